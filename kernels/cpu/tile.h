/* Exact integer tile products, the one part that is written per instruction set.
 *
 * `tile` computes c[r][n] = init[r][n] + sum_k a[r][k] * b[k][n] for up to ROWS rows and up to PANEL columns.
 * a is uint8, b is int8, the sum is int32 and cannot overflow within the contract's sizes. No saturating
 * instruction is used: vpdpbusd adds four exact products into 32 bits, vpmaddwd two of 16-bit operands.
 *
 * A signed row q enters as a = q + 128, and -128 * sum_k b[k][n] enters as init.
 *
 * b is packed: for each group of 4 k, the columns of the panel, each with its 4 values side by side. A panel has
 * 16 * vectors columns; all but the last panel of a matrix have PANEL.
 */
#ifndef SAMEBYTES_TILE_H
#define SAMEBYTES_TILE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROWS 6
#define LANES 16
#define PANEL 64

#define INLINE static inline __attribute__((always_inline))
INLINE size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

#if defined(__AVX512VNNI__) && defined(__AVX512F__)
#include <immintrin.h>
#define TILE_ISA "avx512-vnni"
#define TILE_UNROLLED

INLINE void tile_fixed(const int rows, const int vectors, const uint8_t *a, size_t lda, const int8_t *b,
                       size_t groups, const int32_t *init, size_t ld_init, int32_t *c, const int8_t *ahead, size_t every)
{
    __m512i sum[ROWS][PANEL / LANES];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = init ? _mm512_loadu_si512(init + r * ld_init + v * LANES) : _mm512_setzero_si512();
    for (size_t g = 0, pause = groups; g < groups; pause = minimum(g + every, groups)) {
        if (ahead)
            _mm_prefetch((const char *)ahead, _MM_HINT_T1), ahead += 64, pause = minimum(g + every, groups);
        for (; g < pause; g++) {
            __m512i columns[PANEL / LANES];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                columns[v] = _mm512_loadu_si512(b + (g * vectors + v) * 64);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, a + r * lda + g * 4, 4);
                const __m512i row = _mm512_set1_epi32(four);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], row, columns[v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_si512(c + r * PANEL + v * LANES, sum[r][v]);
}

#elif defined(__AVX2__)
#include <immintrin.h>
#define TILE_ISA "avx2"
#define AVX2_ROWS 3 /* times 4 sums, with the rows and one vector of columns: all 16 registers */

/* 16 columns of up to AVX2_ROWS rows. A sum holds 4 columns, each in two halves of 2 products. */
INLINE void tile_avx2(const int rows, const int vectors, const uint8_t *a, size_t lda, const int8_t *b, size_t groups,
                      const int32_t *init, size_t ld_init, int32_t *c)
{
    __m256i sum[AVX2_ROWS][4];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            sum[r][i] = _mm256_setzero_si256();
    for (size_t g = 0; g < groups; g++) {
        __m256i row[AVX2_ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, a + r * lda + g * 4, 4);
            row[r] = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(four)));
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const __m128i *bytes = (const __m128i *)(b + g * vectors * 64 + i * 16);
            const __m256i columns = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes));
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                sum[r][i] = _mm256_add_epi32(sum[r][i], _mm256_madd_epi16(row[r], columns));
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        int32_t halves[2 * LANES];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            _mm256_storeu_si256((__m256i *)(halves + i * 8), sum[r][i]);
        for (int n = 0; n < LANES; n++)
            c[r * PANEL + n] = halves[2 * n] + halves[2 * n + 1] + (init ? init[r * ld_init + n] : 0);
    }
}

INLINE void tile_fixed(const int rows, const int vectors, const uint8_t *a, size_t lda, const int8_t *b,
                       size_t groups, const int32_t *init, size_t ld_init, int32_t *c, const int8_t *ahead, size_t every)
{
#define PART(R) tile_avx2(R, vectors, a + r * lda, lda, b + v * 64, groups, start, ld_init, c + r * PANEL + v * LANES)
    for (int v = 0; v < vectors; v++)
        for (int r = 0; r < rows; r += AVX2_ROWS) {
            const int32_t *start = init ? init + r * ld_init + v * LANES : NULL;
            if (rows - r >= 3)
                PART(3);
            else if (rows - r == 2)
                PART(2);
            else
                PART(1);
        }
#undef PART
}

#else
#define TILE_ISA "portable"

INLINE void tile_fixed(const int rows, const int vectors, const uint8_t *a, size_t lda, const int8_t *b,
                       size_t groups, const int32_t *init, size_t ld_init, int32_t *c, const int8_t *ahead, size_t every)
{
    const int columns = vectors * LANES;
    for (int r = 0; r < rows; r++) {
        int32_t *sum = c + r * PANEL;
        for (int n = 0; n < columns; n++)
            sum[n] = init ? init[r * ld_init + n] : 0;
        for (size_t g = 0; g < groups; g++) {
            const uint8_t *four = a + r * lda + g * 4;
            const int8_t *column = b + g * columns * 4;
            for (int n = 0; n < columns; n++)
                sum[n] += four[0] * column[4 * n] + four[1] * column[4 * n + 1] + four[2] * column[4 * n + 2] +
                          four[3] * column[4 * n + 3];
        }
    }
}

#endif

/* rows 1..ROWS, vectors 1..4; init NULL for zeros, else rows of it lie ld_init apart (0: one row for all);
 * c has rows of PANEL. */
static __attribute__((noinline)) void tile(int rows, int vectors, const uint8_t *a, size_t lda, const int8_t *b,
                                           size_t groups, const int32_t *init, size_t ld_init, int32_t *c, const int8_t *ahead, size_t every)
{
#ifdef TILE_UNROLLED /* one copy for each size, its sums in registers */
#define SIZE(R, V)                                                                                                  \
    case (R)*8 + (V):                                                                                               \
        tile_fixed(R, V, a, lda, b, groups, init, ld_init, c, ahead, every);                                                      \
        break;
#define SIZES(R) SIZE(R, 1) SIZE(R, 2) SIZE(R, 3) SIZE(R, 4)
    switch (rows * 8 + vectors) {
        SIZES(1)
        SIZES(2)
        SIZES(3)
        SIZES(4)
        SIZES(5)
        SIZES(6)
    }
#undef SIZES
#undef SIZE
#else
    tile_fixed(rows, vectors, a, lda, b, groups, init, ld_init, c, ahead, every);
#endif
}

#endif
