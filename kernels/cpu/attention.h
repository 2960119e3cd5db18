/* Attention over the packed cache: scores, exact softmax sums and weighted values of a block of queries. */
#ifndef SAMEBYTES_ATTENTION_H
#define SAMEBYTES_ATTENTION_H

#include "linear.h"

#define QUERY_ROWS 24  /* queries times heads of a group in one unit of work, at least one query */
#define KEY_BLOCK 512  /* keys whose values stay in the first-level cache */

/* One sequence. Positions are padded to whole panels; head h of layer l is number l * kv_heads + h.
 * k: [L * Hkv][capacity / 64 panels][D / 4][64][4];  v: [L * Hkv][D panels][capacity / 4][columns][4]. */
typedef struct {
    int8_t *k, *v;
    int32_t *k_offset; /* [L * Hkv][capacity]: -128 * sum_d k */
    float *sk, *sv;    /* [L * Hkv][capacity] */
    float *sv_max;     /* [L * Hkv][capacity]: the largest sv up to here */
    int64_t capacity;  /* a multiple of PANEL */
} Cache;

/* Writes position p of one head from rows of q + 128. */
INLINE void cache_write(Cache *cache, size_t head, size_t p, size_t dim, const uint8_t *k, float sk,
                        const uint8_t *v, float sv)
{
    const size_t capacity = (size_t)cache->capacity, at = head * capacity + p;
    int8_t *key = cache->k + (head * capacity + p / PANEL * PANEL) * dim + p % PANEL * 4;
    int32_t total = 0;
    for (size_t d = 0; d < dim; d++) {
        const int8_t value = (int8_t)(k[d] - 128);
        total += value;
        key[d / 4 * PANEL * 4 + d % 4] = value;
    }
    cache->k_offset[at] = -128 * total;
    cache->sk[at] = sk;
    cache->sv[at] = sv;
    int8_t *panel = cache->v + head * capacity * round_up(dim, LANES);
    for (size_t start = 0; start < dim; start += PANEL) {
        const size_t columns = (size_t)panel_vectors(dim, start) * LANES;
        for (size_t d = start; d < minimum(start + PANEL, dim); d++)
            panel[(p / 4 * columns + d - start) * 4 + p % 4] = (int8_t)(v[d] - 128);
        panel += capacity * columns;
    }
}

/* Floats and bytes that one thread needs for a block of `rows` rows over `keys` keys. */
INLINE size_t attention_scratch(size_t rows, size_t keys, size_t dim)
{
    const size_t padded = round_up(keys, PANEL);
    return rows * padded * (sizeof(float) + 2) + rows * 2 * round_up(dim, PANEL) * sizeof(int32_t) + 4096;
}

/* The largest score. Flipping the lower bits of negative floats makes integer order float order. */
INLINE float largest_score(const float *t, size_t count)
{
    int32_t best = INT32_MIN;
    for (size_t j = 0; j < count; j++) {
        const int32_t bits = to_bits(t[j]), key = bits ^ ((bits >> 31) & 0x7fffffff);
        best = key > best ? key : best;
    }
    return from_bits(best ^ ((best >> 31) & 0x7fffffff));
}

/* One row: t holds scores of `visible` keys and is used up; digits are written for `padded`. Returns L. */
INLINE int32_t softmax_row(float *t, float m, const float *sv, float h, size_t visible, size_t padded,
                           uint8_t *high, uint8_t *low)
{
    int32_t total = 0;
    for (size_t j = 0; j < visible; j++) {
        const float e = exp2_contract(t[j] - m);
        total += round_even(e * 16256.0f);
        t[j] = from_bits(round_even(e * (sv[j] * h)));
    }
    memset(t + visible, 0, (padded - visible) * sizeof *t);
    for (size_t j = 0; j < padded; j++) {
        const int32_t w = to_bits(t[j]);
        high[j] = (uint8_t)(w >> 7);
        low[j] = (uint8_t)(w & 127);
    }
    return total;
}

/* q: rows of q + 128, dim apart, `group` rows a token; c: sq * constant of each row; tokens at positions p0, p0 + 1, …
 * out: token i, head g of the group at out + i * ld_out + g * dim. */
static void attention_block(const Cache *cache, size_t head, size_t dim, size_t group, const uint8_t *q, const float *c,
                            size_t p0, size_t tokens, float *out, size_t ld_out, void *scratch)
{
    const size_t capacity = (size_t)cache->capacity, rows = tokens * group, keys = p0 + tokens;
    const size_t padded = round_up(keys, PANEL), wide = round_up(dim, PANEL);
    const int8_t *k = cache->k + head * capacity * dim;
    const int32_t *k_offset = cache->k_offset + head * capacity;
    const float *sk = cache->sk + head * capacity, *sv = cache->sv + head * capacity;
    const float *sv_max = cache->sv_max + head * capacity;

    float *scores = scratch;
    uint8_t *high = (uint8_t *)(scores + rows * padded), *low = high + rows * padded;
    int32_t *sums = (int32_t *)(low + rows * padded); /* padded is a multiple of 4 */
    memset(sums, 0, 2 * rows * wide * sizeof *sums);

    for (size_t j = 0; j < padded; j += PANEL)
        for (size_t r = 0; r < rows; r += ROWS) {
            int32_t products[ROWS * PANEL];
            const size_t count = minimum(ROWS, rows - r);
            tile((int)count, PANEL / LANES, q + r * dim, dim, k + j * dim, dim / 4, k_offset + j, 0, products, NULL, 1);
            for (size_t i = 0; i < count; i++) {
                float *t = scores + (r + i) * padded + j;
                const float scale = c[r + i];
                for (size_t n = 0; n < PANEL; n++)
                    t[n] = ((float)products[i * PANEL + n] * scale) * sk[j + n];
            }
        }

    int32_t totals[QUERY_ROWS + 64];
    for (size_t r = 0; r < rows; r++) {
        const size_t p = p0 + r / group;
        float *t = scores + r * padded;
        const float m = largest_score(t, p + 1);
        const float h = sv_max[p] > 0.0f ? 16256.0f / sv_max[p] : 0.0f;
        totals[r] = softmax_row(t, m, sv, h, p + 1, padded, high + r * padded, low + r * padded);
    }

    const int8_t *panel = cache->v + head * capacity * round_up(dim, LANES);
    for (size_t start = 0; start < dim; start += PANEL) {
        const int vectors = panel_vectors(dim, start);
        const size_t columns = (size_t)vectors * LANES;
        for (size_t j = 0; j < padded; j += KEY_BLOCK) {
            const size_t groups = minimum(KEY_BLOCK, padded - j) / 4;
            for (size_t r = 0; r < 2 * rows; r += ROWS) { /* rows of low digits follow those of high digits */
                int32_t products[ROWS * PANEL];
                const size_t count = minimum(ROWS, 2 * rows - r);
                tile((int)count, vectors, high + r * padded + j, padded, panel + j * columns, groups,
                     sums + r * wide + start, wide, products, NULL, 1);
                for (size_t i = 0; i < count; i++)
                    memcpy(sums + (r + i) * wide + start, products + i * PANEL, columns * sizeof *sums);
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
