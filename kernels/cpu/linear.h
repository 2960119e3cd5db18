/* Linear layers over packed weights. */
#ifndef SAMEBYTES_LINEAR_H
#define SAMEBYTES_LINEAR_H

#include "rows.h"
#include "team.h"

#define MOST_ROWS 128 /* rows of one unit of work */
#define FEW_ROWS 24   /* so few are not divided any further */
#define UNITS_EACH 8  /* units that a worker should find, so that all finish at about the same time */

typedef struct {
    int64_t n, k;
    const int8_t *packed;    /* ceil(n / PANEL) panels of padded_k(k) * PANEL bytes */
    const int32_t *offset;   /* -ZERO * sum_k w, padded to whole panels */
    const float *scale;      /* [n] */
    const float *bias;       /* [n] or NULL */
} Linear;

/* What becomes of a product: it is y, it is added to y, or LANES columns of gates and LANES of ups, in turns,
 * become LANES columns of y, half as many in all. */
typedef enum { STORE, ADD, GATE } Into;

INLINE size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }
INLINE size_t padded_k(size_t k) { return round_up(k, 4); }

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
        offset[column] = -ZERO * total;
    }
}

/* One row of the panel that starts at column `start`: (f32(acc) * s) * scale (+ bias). */
INLINE void write_row(const Linear *layer, size_t start, size_t columns, const int32_t *sum, float s, Into into,
                      float *y)
{
    const float *scale = layer->scale + start;
    float value[PANEL];
    float *out = into == STORE ? y + start : value;
    for (size_t i = 0; i < columns; i++)
        out[i] = ((float)sum[i] * s) * scale[i];
    if (layer->bias)
        for (size_t i = 0; i < columns; i++)
            out[i] = out[i] + layer->bias[start + i];
    if (into == ADD)
        for (size_t i = 0; i < columns; i++)
            y[start + i] = y[start + i] + value[i];
    if (into == GATE)
        for (size_t i = 0; i < columns; i += 2 * LANES)
            silu_mul_row(value + i, value + i + LANES, LANES, y + (start + i) / 2);
}

/* Rows first … last - 1 of one panel. While it is multiplied, the panel at `ahead` comes nearer. */
static void linear_panel(const Linear *layer, size_t panel, const uint8_t *a, size_t lda, const float *s, size_t first,
                         size_t last, Into into, float *y, size_t ldy, const int8_t *ahead, size_t ahead_bytes)
{
    const size_t start = panel * PANEL, columns = minimum(PANEL, (size_t)layer->n - start);
    const size_t groups = padded_k((size_t)layer->k) / 4, tiles = (last - first + ROWS - 1) / ROWS;
    const size_t lines = minimum((ahead_bytes / 64 + tiles - 1) / tiles, groups);
    const int8_t *b = layer->packed + start * groups * 4;
    int32_t sums[ROWS * PANEL];
    for (size_t t = first; t < last; t += ROWS) {
        const size_t count = minimum(ROWS, last - t);
        const int8_t *slice = ahead ? ahead + (t - first) / ROWS * lines * 64 : NULL;
        run_tile((int)count, panel_vectors((size_t)layer->n, start),
                 &(Tile){a + t * lda, lda, b, groups, layer->offset + start, 0, sums, PANEL, slice, lines});
        for (size_t r = 0; r < count; r++)
            if (columns == PANEL)
                write_row(layer, start, PANEL, sums + r * PANEL, s[t + r], into, y + (t + r) * ldy);
            else
                write_row(layer, start, columns, sums + r * PANEL, s[t + r], into, y + (t + r) * ldy);
    }
}

/* y = Linear(a, s) for rows of a = q + ZERO, lda apart. Every worker calls it. `following` is the layer that the
 * workers turn to next, or NULL. */
static void linear_rows(const Linear *layer, const uint8_t *a, size_t lda, const float *s, size_t rows, Into into,
                        float *y, size_t ldy, const Linear *following, Worker *worker)
{
    const size_t bytes = padded_k((size_t)layer->k) * PANEL, threads = (size_t)worker->team->threads;
    const size_t panels = ((size_t)layer->n + PANEL - 1) / PANEL;
    size_t blocks = (rows + MOST_ROWS - 1) / MOST_ROWS;
    while (threads > 1 && panels * blocks < UNITS_EACH * threads && rows > FEW_ROWS * blocks)
        blocks++;
    const size_t block = round_up((rows + blocks - 1) / blocks, ROWS);
    for (size_t unit; (unit = take_unit(worker)) < panels * blocks;) {
        const size_t panel = unit % panels, first = unit / panels * block;
        const int8_t *ahead = NULL;
        size_t ahead_bytes = 0;
        if (unit + threads < panels * blocks) {
            ahead = layer->packed + (unit + threads) % panels * bytes;
            ahead_bytes = bytes;
        } else if (following && unit + threads - panels * blocks < ((size_t)following->n + PANEL - 1) / PANEL) {
            ahead_bytes = padded_k((size_t)following->k) * PANEL;
            ahead = following->packed + (unit + threads - panels * blocks) * ahead_bytes;
        }
        if (first < rows)
            linear_panel(layer, panel, a, lda, s, first, minimum(first + block, rows), into, y, ldy, ahead,
                         ahead_bytes);
    }
    finish_loop(worker);
}

#endif
