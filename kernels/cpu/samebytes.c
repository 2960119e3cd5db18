/* The CPU engine: what Python calls. Every function gives the bits of kernels/reference.py. */
#include "forward.h"

const char *samebytes_isa(void) { return TILE_ISA; }

int samebytes_openmp(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Bytes of the packed form of a matrix [n, k]. */
int64_t samebytes_packed_bytes(int64_t n, int64_t k)
{
    return (int64_t)(round_up((size_t)n, LANES) * padded_k((size_t)k));
}

/* Packs w [n, k] (rows `ids` of w where ids is not NULL); offset holds n rounded up to PANEL. */
void samebytes_pack(const int8_t *w, const int64_t *ids, int64_t n, int64_t k, int8_t *packed, int32_t *offset,
                    int threads)
{
    const size_t panels = ((size_t)n + PANEL - 1) / PANEL, bytes = padded_k((size_t)k) * PANEL;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (size_t panel = 0; panel < panels; panel++)
        pack_panel(w, ids, (size_t)n, (size_t)k, panel * PANEL, packed + panel * bytes, offset + panel * PANEL);
}

static uint8_t *offset_rows(const int8_t *q, size_t rows, size_t k, size_t lda)
{
    uint8_t *a = malloc(rows * lda + 1);
    if (a)
        for (size_t t = 0; t < rows; t++) {
            for (size_t i = 0; i < k; i++)
                a[t * lda + i] = (uint8_t)(q[t * k + i] + 128);
            memset(a + t * lda + k, 128, lda - k);
        }
    return a;
}

/* y [rows, n] = Linear(q [rows, k], s [rows]). Returns -1 when memory is short. */
int samebytes_linear(const Linear *layer, const int8_t *q, const float *s, int64_t rows, float *y, int threads)
{
    const size_t lda = round_up((size_t)layer->k, ALIGN);
    uint8_t *a = offset_rows(q, (size_t)rows, (size_t)layer->k, lda);
    if (!a)
        return -1;
#pragma omp parallel num_threads(threads)
    linear_rows(layer, a, lda, s, (size_t)rows, 0, y, (size_t)layer->n);
    free(a);
    return 0;
}

/* The row-wise operations, for the known-answer test. q is int8 [rows, count], s float [rows]. */
void samebytes_quantize(const float *z, int64_t rows, int64_t count, int8_t *q, float *s)
{
    for (int64_t t = 0; t < rows; t++) {
        s[t] = quantize_row(z + t * count, (size_t)count, (uint8_t *)q + t * count);
        for (int64_t i = 0; i < count; i++)
            q[t * count + i] = (int8_t)(((uint8_t *)q)[t * count + i] - 128);
    }
}

int samebytes_norm_quantize(const float *x, const float *gain, int64_t rows, int64_t count, float eps, int8_t *q,
                            float *s)
{
    float *scratch = malloc((size_t)count * sizeof *scratch);
    if (!scratch)
        return -1;
    for (int64_t t = 0; t < rows; t++) {
        uint8_t *a = (uint8_t *)q + t * count;
        s[t] = norm_quantize_row(x + t * count, gain, (size_t)count, eps, a, scratch);
        for (int64_t i = 0; i < count; i++)
            q[t * count + i] = (int8_t)(a[i] - 128);
    }
    free(scratch);
    return 0;
}

void samebytes_silu_mul(const float *gate, const float *up, int64_t count, float *out)
{
    silu_mul_row(gate, up, (size_t)count, out);
}

void samebytes_exp2(const float *d, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = exp2_contract(d[i]);
}

/* best [rows]: the column with the highest logit (its id where ids is given); the lowest wins a tie. */
int samebytes_argmax(const float *logits, const int64_t *ids, int64_t rows, int64_t n, int64_t *best, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t t = 0; t < rows; t++) {
        const float *row = logits + t * n;
        int64_t winner = ids ? ids[0] : 0;
        float highest = row[0];
        for (int64_t i = 1; i < n; i++) {
            const int64_t id = ids ? ids[i] : i;
            if (row[i] > highest || (row[i] == highest && id < winner)) {
                highest = row[i];
                winner = id;
            }
        }
        best[t] = winner;
    }
    return 0;
}
