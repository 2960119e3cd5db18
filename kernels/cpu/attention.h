/* Attention over the packed cache: scores, exact softmax sums and weighted values of a block of queries. */
#ifndef SAMEBYTES_ATTENTION_H
#define SAMEBYTES_ATTENTION_H

#include "linear.h"

#define KEY_BLOCK 512  /* keys whose values stay in the first-level cache */

/* One sequence. Positions are padded to whole panels; head h of layer l is number l * kv_heads + h.
 * k: [L * Hkv][capacity / 64 panels][D / 4][64][4];  v: [L * Hkv][D panels][capacity / 4][columns][4]. */
typedef struct {
    int8_t *k, *v;
    int32_t *k_offset; /* [L * Hkv][capacity]: -ZERO * sum_d k */
    float *sk, *sv;    /* [L * Hkv][capacity] */
    float *sv_max;     /* [L * Hkv][capacity]: the largest sv up to here */
    int64_t capacity;  /* a multiple of PANEL */
} Cache;

/* Writes position p of one head from rows of q + ZERO. */
INLINE void cache_write(Cache *cache, size_t head, size_t p, size_t dim, const uint8_t *k, float sk,
                        const uint8_t *v, float sv)
{
    const size_t capacity = (size_t)cache->capacity, at = head * capacity + p;
    int8_t *key = cache->k + (head * capacity + p / PANEL * PANEL) * dim + p % PANEL * 4;
    int32_t total = 0;
    for (size_t d = 0; d < dim; d++)
        total += (int8_t)(k[d] - ZERO);
    for (size_t d = 0; d < dim; d += 4) {
        uint32_t four;
        memcpy(&four, k + d, 4);
        four ^= ZERO * 0x01010101u; /* minus ZERO, each byte */
        memcpy(key + d * PANEL, &four, 4);
    }
    cache->k_offset[at] = -ZERO * total;
    cache->sk[at] = sk;
    cache->sv[at] = sv;
    int8_t *panel = cache->v + head * capacity * round_up(dim, LANES);
    for (size_t start = 0; start < dim; start += PANEL) {
        const size_t columns = (size_t)panel_vectors(dim, start) * LANES;
        for (size_t d = start; d < minimum(start + PANEL, dim); d++)
            panel[(p / 4 * columns + d - start) * 4 + p % 4] = (int8_t)(v[d] - ZERO);
        panel += capacity * columns;
    }
}

/* Floats and bytes that one thread needs for a block of `rows` rows over `keys` keys. */
INLINE size_t attention_scratch(size_t rows, size_t keys, size_t dim)
{
    const size_t padded = round_up(keys, PANEL);
    return ROWS * (padded + LANES) * sizeof(float) + rows * 2 * (padded + round_up(dim, PANEL) * sizeof(int32_t));
}

/* The largest of whole panels of scores. Flipping the lower bits of negative floats makes integer order float
 * order. */
INLINE float largest_score(const float *t, size_t padded)
{
    int32_t best = INT32_MIN;
    for (size_t j = 0; j < padded; j += PANEL)
        for (size_t n = 0; n < PANEL; n++) {
            const int32_t bits = to_bits(t[j + n]), key = bits ^ ((bits >> 31) & 0x7fffffff);
            best = key > best ? key : best;
        }
    return from_bits(best ^ ((best >> 31) & 0x7fffffff));
}

/* The digits of w = 128 * high + low of a panel of keys; returns the sum of their p. */
INLINE int32_t softmax_panel(const float *restrict t, float m, const float *restrict sv, float h,
                             uint8_t *restrict high, uint8_t *restrict low)
{
    uint32_t total = 0;
    for (size_t n = 0; n < PANEL; n++) {
        const float e = exp2_contract(t[n] - m);
        const int32_t w = round_even(e * (sv[n] * h));
        total += (uint32_t)to_bits(e * 16256.0f + 0x1.8p23f); /* round_even, but for a constant that is taken off once */
        high[n] = (uint8_t)(w >> 7);
        low[n] = (uint8_t)(w & 127);
    }
    return (int32_t)(total - PANEL * 0x4b400000u);
}

/* One row of scores, of which the first `visible` count: L, and the digits for `padded` keys, zeros from `visible` on.
 * Scores after those become -infinity, of which p is 0; w is 0 too when sv is. */
static int32_t softmax_row(float *t, const float *sv, float h, size_t visible, size_t padded, uint8_t *high,
                           uint8_t *low)
{
    const size_t whole = visible / PANEL * PANEL, rest = visible - whole, end = rest ? whole + PANEL : whole;
    int32_t total = 0;
    for (size_t j = visible; j < end; j++)
        t[j] = -INFINITY;
    const float m = largest_score(t, end);
    for (size_t j = 0; j < whole; j += PANEL)
        total += softmax_panel(t + j, m, sv + j, h, high + j, low + j);
    if (rest) {
        float last[PANEL] = {0};
        memcpy(last, sv + whole, rest * sizeof *last);
        total += softmax_panel(t + whole, m, last, h, high + whole, low + whole);
    }
    memset(high + end, 0, padded - end);
    memset(low + end, 0, padded - end);
    return total;
}

/* q: rows of q + ZERO, dim apart, `group` rows a token; c: sq * constant of each row; tokens at positions p0, p0 + 1, …
 * out: token i, head g of the group at out + i * ld_out + g * dim. */
static void attention_block(const Cache *cache, size_t head, size_t dim, size_t group, const uint8_t *q, const float *c,
                            size_t p0, size_t tokens, float *out, size_t ld_out, void *scratch)
{
    const size_t capacity = (size_t)cache->capacity, rows = tokens * group, keys = p0 + tokens;
    const size_t padded = round_up(keys, PANEL), wide = round_up(dim, PANEL);
    const size_t stride = padded + LANES; /* rows of a power of two would share few sets of the cache */
    const int8_t *k = cache->k + head * capacity * dim;
    const int32_t *k_offset = cache->k_offset + head * capacity;
    const float *sk = cache->sk + head * capacity, *sv = cache->sv + head * capacity;
    const float *sv_max = cache->sv_max + head * capacity;

    float *scores = scratch;
    uint8_t *high = (uint8_t *)(scores + ROWS * stride), *low = high + rows * padded;
    int32_t *sums = (int32_t *)(low + rows * padded); /* padded is a multiple of 4 */
    memset(sums, 0, 2 * rows * wide * sizeof *sums);

    int32_t totals[QUERY_ROWS + 64];
    for (size_t r = 0; r < rows; r += ROWS) { /* the scores of a tile's rows stay in the first-level cache */
        const size_t count = minimum(ROWS, rows - r);
        for (size_t j = 0; j < padded; j += PANEL) {
            int32_t products[ROWS * PANEL];
            run_tile((int)count, PANEL / LANES,
                     &(Tile){q + r * dim, dim, k + j * dim, dim / 4, k_offset + j, 0, products, PANEL, NULL, 0});
            for (size_t i = 0; i < count; i++) {
                float *t = scores + i * stride + j;
                const float scale = c[r + i];
                for (size_t n = 0; n < PANEL; n++)
                    t[n] = ((float)products[i * PANEL + n] * scale) * sk[j + n];
            }
        }
        for (size_t i = r; i < r + count; i++) {
            const size_t p = p0 + i / group;
            const float h = sv_max[p] > 0.0f ? 16256.0f / sv_max[p] : 0.0f;
            totals[i] =
                softmax_row(scores + (i - r) * stride, sv, h, p + 1, padded, high + i * padded, low + i * padded);
        }
    }

    const int8_t *panel = cache->v + head * capacity * round_up(dim, LANES);
    for (size_t start = 0; start < dim; start += PANEL) {
        const int vectors = panel_vectors(dim, start);
        const size_t columns = (size_t)vectors * LANES;
        for (size_t j = 0; j < padded; j += KEY_BLOCK) {
            const size_t groups = minimum(KEY_BLOCK, padded - j) / 4;
            for (size_t r = 0; r < 2 * rows; r += ROWS) { /* rows of low digits follow those of high digits */
                int32_t *sum = sums + r * wide + start;
                const uint8_t *digits = high + r * padded + j;
                run_tile((int)minimum(ROWS, 2 * rows - r), vectors,
                         &(Tile){digits, padded, panel + j * columns, groups, sum, wide, sum, wide, NULL, 0});
            }
        }
        panel += capacity * columns;
    }

    for (size_t r = 0; r < rows; r++) {
        const float largest_sv = sv_max[p0 + r / group], factor = largest_sv / (float)totals[r];
        const int32_t *high_sum = sums + r * wide, *low_sum = sums + (rows + r) * wide;
        float *o = out + r / group * ld_out + r % group * dim;
        for (size_t d = 0; d < dim; d++)
            o[d] = (float)((int64_t)high_sum[d] * 128 + low_sum[d]) * factor;
    }
}

#endif
