/* Tile products for 64-bit Arm: smmla (i8mm), two rows by two columns by 8 k at once, or sdot, a row by 4 columns by
 * 4 k. Both add exact products of int8 into 32 bits. */
#include <arm_neon.h>

#define ROWS 6
#define ZERO 0

INLINE const int8_t *row_at(const Tile *tile, int r, size_t g)
{
    return (const int8_t *)tile->a + (size_t)r * tile->lda + g * 4;
}

/* 16 columns from the vector `first` on, by sdot with 4 groups of a row in one register. */
INLINE void sdot_strip(const int rows, const int vectors, const Tile *tile, int first, size_t done,
                       const int32_t *init, size_t ld_init)
{
    const size_t stride = (size_t)vectors * 64, groups = tile->groups;
    const int8_t *b = tile->b + first * 64 + done * stride;
    int32_t *c = tile->c + first * LANES;
    int32x4_t sum[6][4];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < 4; v++)
            sum[r][v] = vld1q_s32(init + r * ld_init + first * LANES + v * 4);
    size_t g = done;
#define STEP(LANE)                                                                                                  \
    _Pragma("GCC unroll 8") for (int v = 0; v < 4; v++)                                                             \
    {                                                                                                               \
        const int8x16_t columns = vld1q_s8(b + v * 16);                                                             \
        _Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) sum[r][v] =                                          \
            vdotq_laneq_s32(sum[r][v], columns, row[r], LANE);                                                      \
    }                                                                                                               \
    b += stride;
    for (; g + 4 <= groups; g += 4) {
        int8x16_t row[6];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            row[r] = vld1q_s8(row_at(tile, r, g));
        STEP(0) STEP(1) STEP(2) STEP(3)
    }
    for (; g < groups; g++) {
        int8x16_t row[6];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, row_at(tile, r, g), 4);
            row[r] = vreinterpretq_s8_s32(vdupq_n_s32(four));
        }
        STEP(0)
    }
#undef STEP
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < 4; v++)
            vst1q_s32(c + r * tile->ld_c + v * 4, sum[r][v]);
}

INLINE void sdot_fixed(const int rows, const int vectors, const Tile *tile)
{
    for (int v = 0; v < vectors; v++)
        sdot_strip(rows, vectors, tile, v, 0, tile->init, tile->ld_init);
}

#ifdef __ARM_FEATURE_MATMUL_INT8
#define TILE_ISA "i8mm"

/* 16 columns by smmla, two groups at a time; a last single group by sdot. With an odd number of rows the last one is
 * its own partner. */
INLINE void smmla_strip(const int rows, const int vectors, const Tile *tile, int first)
{
    const int pairs = (rows + 1) / 2;
    const size_t stride = (size_t)vectors * 64, even = tile->groups / 2 * 2;
    const int8_t *b = tile->b + first * 64;
    int32_t *c = tile->c + first * LANES;
    int32x4_t sum[3][8];
#pragma GCC unroll 8
    for (int p = 0; p < pairs; p++) {
        const int32_t *upper = tile->init + 2 * p * tile->ld_init + first * LANES;
        const int32_t *lower = 2 * p + 1 < rows ? upper + tile->ld_init : upper;
#pragma GCC unroll 8
        for (int n = 0; n < 8; n++)
            sum[p][n] = vcombine_s32(vld1_s32(upper + 2 * n), vld1_s32(lower + 2 * n));
    }
    for (size_t g = 0; g < even; g += 2, b += 2 * stride) {
        int8x16_t row[3];
#pragma GCC unroll 8
        for (int p = 0; p < pairs; p++)
            row[p] = vcombine_s8(vld1_s8(row_at(tile, 2 * p, g)),
                                 vld1_s8(row_at(tile, 2 * p + 1 < rows ? 2 * p + 1 : 2 * p, g)));
#pragma GCC unroll 8
        for (int v = 0; v < 4; v++) { /* four columns: their 8 k side by side, two columns a register */
            const int32x4_t near = vreinterpretq_s32_s8(vld1q_s8(b + v * 16));
            const int32x4_t far = vreinterpretq_s32_s8(vld1q_s8(b + stride + v * 16));
            const int8x16_t left = vreinterpretq_s8_s32(vzip1q_s32(near, far));
            const int8x16_t right = vreinterpretq_s8_s32(vzip2q_s32(near, far));
#pragma GCC unroll 8
            for (int p = 0; p < pairs; p++) {
                sum[p][2 * v] = vmmlaq_s32(sum[p][2 * v], row[p], left);
                sum[p][2 * v + 1] = vmmlaq_s32(sum[p][2 * v + 1], row[p], right);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int n = 0; n < 8; n++)
            vst1_s32(c + r * tile->ld_c + 2 * n, r % 2 ? vget_high_s32(sum[r / 2][n]) : vget_low_s32(sum[r / 2][n]));
    if (even < tile->groups)
        sdot_strip(rows, vectors, tile, first, even, tile->c, tile->ld_c);
}

INLINE void neon_fixed(const int rows, const int vectors, const Tile *tile)
{
    if (rows == 1)
        sdot_fixed(rows, vectors, tile);
    else
        for (int v = 0; v < vectors; v++)
            smmla_strip(rows, vectors, tile, v);
}
#else
#define TILE_ISA "dotprod"
#define neon_fixed sdot_fixed
#endif

static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
    TILE_CALL(neon_fixed, rows, vectors)
}
