/* The CPU engine: what Python calls. Every function gives the bits of kernels/reference.py. */
#include "forward.h"

#define SMALL_WORK (1 << 22) /* below so many steps, starting a thread costs more than it saves */

static int threads_for(int64_t steps, int threads) { return steps < SMALL_WORK ? 1 : threads; }

/* The instruction set of the tile products: the end of the name of the tile_*.h in use, or a part of it. */
const char *samebytes_isa(void) { return TILE_ISA; }

/* What the instruction set needs of the system, once a process. Returns 0, or -1 when it is not to be had. */
int samebytes_enable(void) { return tile_enable(); }

/* What a signed row is offset by: packing makes offsets of -ZERO times the sum of a column. */
int samebytes_zero(void) { return ZERO; }

/* Bytes of the packed form of a matrix [n, k]. */
int64_t samebytes_packed_bytes(int64_t n, int64_t k)
{
    return (int64_t)(round_up((size_t)n, LANES) * padded_k((size_t)k));
}

typedef struct {
    const int8_t *w;
    const int64_t *ids;
    size_t n, k;
    int8_t *packed;
    int32_t *offset;
} Packing;

static void pack_panels(Worker *worker, void *arguments)
{
    const Packing *p = arguments;
    const size_t panels = (p->n + PANEL - 1) / PANEL, bytes = padded_k(p->k) * PANEL;
    for (size_t panel; (panel = take_unit(worker)) < panels;)
        pack_panel(p->w, p->ids, p->n, p->k, panel * PANEL, p->packed + panel * bytes, p->offset + panel * PANEL);
}

/* Packs w [n, k] (rows `ids` of w where ids is not NULL); offset holds n rounded up to PANEL. */
void samebytes_pack(const int8_t *w, const int64_t *ids, int64_t n, int64_t k, int8_t *packed, int32_t *offset,
                    int threads)
{
    run_team(threads_for(n * k, threads), pack_panels, &(Packing){w, ids, (size_t)n, (size_t)k, packed, offset});
}

static uint8_t *offset_rows(const int8_t *q, size_t rows, size_t k, size_t lda)
{
    uint8_t *a = malloc(rows * lda + 1);
    if (a)
        for (size_t t = 0; t < rows; t++) {
            for (size_t i = 0; i < k; i++)
                a[t * lda + i] = (uint8_t)(q[t * k + i] + ZERO);
            memset(a + t * lda + k, ZERO, lda - k);
        }
    return a;
}

typedef struct {
    const Linear *layer;
    const uint8_t *a;
    const float *s;
    float *y;
    size_t lda, rows;
} Product;

static void run_product(Worker *worker, void *arguments)
{
    const Product *p = arguments;
    linear_rows(p->layer, p->a, p->lda, p->s, p->rows, STORE, p->y, (size_t)p->layer->n, NULL, worker);
}

/* y [rows, n] = Linear(q [rows, k], s [rows]). Returns -1 when memory is short. */
int samebytes_linear(const Linear *layer, const int8_t *q, const float *s, int64_t rows, float *y, int threads)
{
    const size_t lda = round_up((size_t)layer->k, ALIGN);
    uint8_t *a = offset_rows(q, (size_t)rows, (size_t)layer->k, lda);
    if (!a)
        return -1;
    run_team(threads_for(rows * layer->n * layer->k, threads), run_product, &(Product){layer, a, s, y, lda, (size_t)rows});
    free(a);
    return 0;
}

/* The row-wise operations, for the known-answer test. q is int8 [rows, count], s float [rows]. */
void samebytes_quantize(const float *z, int64_t rows, int64_t count, int8_t *q, float *s)
{
    for (int64_t t = 0; t < rows; t++) {
        s[t] = quantize_row(z + t * count, (size_t)count, (uint8_t *)q + t * count);
        for (int64_t i = 0; i < count; i++)
            q[t * count + i] = (int8_t)(((uint8_t *)q)[t * count + i] - ZERO);
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
            q[t * count + i] = (int8_t)(a[i] - ZERO);
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

typedef struct {
    const float *logits;
    const int64_t *ids;
    int64_t *best;
    size_t rows, n;
} Choice;

static void choose_ids(Worker *worker, void *arguments)
{
    const Choice *c = arguments;
    for (size_t t; (t = take_unit(worker)) < c->rows;) {
        const float *row = c->logits + t * c->n;
        int64_t winner = c->ids ? c->ids[0] : 0;
        float highest = row[0];
        for (size_t i = 1; i < c->n; i++) {
            const int64_t id = c->ids ? c->ids[i] : (int64_t)i;
            if (row[i] > highest || (row[i] == highest && id < winner)) {
                highest = row[i];
                winner = id;
            }
        }
        c->best[t] = winner;
    }
}

/* best [rows]: the column with the highest logit (its id where ids is given); the lowest wins a tie. */
void samebytes_argmax(const float *logits, const int64_t *ids, int64_t rows, int64_t n, int64_t *best, int threads)
{
    run_team(threads_for(rows * n, threads), choose_ids, &(Choice){logits, ids, best, (size_t)rows, (size_t)n});
}
