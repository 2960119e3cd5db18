/* Linear layers over packed weights. */
#ifndef SAMEBYTES_LINEAR_H
#define SAMEBYTES_LINEAR_H

#include "rows.h"
#include "team.h"

#define ROW_BLOCK 48 /* rows of one unit of work: a panel of weights stays in the first-level cache for them */

typedef struct {
    int64_t n, k;
    const int8_t *packed;    /* ceil(n / PANEL) panels of padded_k(k) * PANEL bytes */
    const int32_t *offset;   /* -128 * sum_k w, padded to whole panels */
    const float *scale;      /* [n] */
    const float *bias;       /* [n] or NULL */
} Linear;

INLINE size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }
INLINE size_t padded_k(size_t k) { return round_up(k, 4); }
INLINE size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

/* Vectors in the panel that starts at column `start` of n. */
INLINE int panel_vectors(size_t n, size_t start) { return (int)(minimum(n - start + LANES - 1, PANEL) / LANES); }

/* One panel of w [n, k] row-major (or of the rows `ids` of w) into packed form. */
static void pack_panel(const int8_t *w, const int64_t *ids, size_t n, size_t k, size_t start, int8_t *packed,
                       int32_t *offset)
{
    const size_t groups = padded_k(k) / 4;
    const size_t columns = (size_t)panel_vectors(n, start) * LANES;
    for (size_t column = 0; column < columns; column++) {
        const int real = start + column < n;
        const int8_t *row = real ? w + (size_t)(ids ? ids[start + column] : (int64_t)(start + column)) * k : NULL;
        int32_t total = 0;
        for (size_t i = 0; i < groups * 4; i++) {
            const int8_t value = real && i < k ? row[i] : 0;
            total += value;
            packed[(i / 4 * columns + column) * 4 + i % 4] = value;
        }
        offset[column] = -128 * total;
    }
}

/* y[t][n] (+)= (f32(acc) * s[t]) * scale[n] (+ bias[n]). a: rows of q + 128, lda apart. Every worker
 * calls it. */
static void linear_rows(const Linear *layer, const uint8_t *a, size_t lda, const float *s, size_t rows, int add,
                        float *y, size_t ldy, Worker *worker)
{
    const size_t n = (size_t)layer->n, bytes = padded_k((size_t)layer->k) * PANEL;
    const size_t panels = (n + PANEL - 1) / PANEL, blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
    for (size_t unit; (unit = take_unit(worker)) < panels * blocks;) {
        const size_t panel = unit / blocks, start = panel * PANEL, first = unit % blocks * ROW_BLOCK;
        const size_t last = minimum(first + ROW_BLOCK, rows), columns = minimum(PANEL, n - start);
        const int vectors = panel_vectors(n, start);
        for (size_t t = first; t < last; t += ROWS) {
            int32_t sums[ROWS * PANEL];
            const size_t count = minimum(ROWS, last - t);
            tile((int)count, vectors, a + t * lda, lda, layer->packed + panel * bytes, padded_k((size_t)layer->k) / 4,
                 layer->offset + start, 0, sums);
            for (size_t r = 0; r < count; r++) {
                const float row_scale = s[t + r], *scale = layer->scale + start;
                const int32_t *sum = sums + r * PANEL;
                float *out = y + (t + r) * ldy + start;
                if (layer->bias) {
                    const float *bias = layer->bias + start;
                    for (size_t i = 0; i < columns; i++)
                        out[i] = (((float)sum[i] * row_scale) * scale[i]) + bias[i];
                } else if (add) {
                    for (size_t i = 0; i < columns; i++)
                        out[i] = out[i] + (((float)sum[i] * row_scale) * scale[i]);
                } else {
                    for (size_t i = 0; i < columns; i++)
                        out[i] = ((float)sum[i] * row_scale) * scale[i];
                }
            }
        }
    }
    finish_loop(worker);
}

#endif
