/* Exact integer tile products, the one part that is written per instruction set.
 *
 * `run_tile` computes c[r][n] = init[r][n] + sum_k a[r][k] * b[k][n] for up to ROWS rows and up to PANEL columns.
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

/* Rows of a, init and c lie lda, ld_init (0: one row for all) and ld_c apart. init may be c. */
typedef struct {
    const uint8_t *a;
    size_t lda;
    const int8_t *b;
    size_t groups; /* of 4 k */
    const int32_t *init;
    size_t ld_init;
    int32_t *c;
    size_t ld_c;
    const int8_t *ahead; /* memory needed soon, or NULL: where it pays, `ahead_lines` lines are fetched meanwhile */
    size_t ahead_lines;  /* 1 … groups */
} Tile;

#if defined(__AVX512VNNI__) && defined(__AVX512F__)
#include <immintrin.h>
#define TILE_ISA "avx512-vnni"
#define TILE_UNROLLED

INLINE void tile_fixed(const int rows, const int vectors, const Tile *tile)
{
    const uint8_t *a = tile->a;
    const int8_t *b = tile->b, *ahead = tile->ahead;
    const size_t lda = tile->lda, step = ahead ? tile->groups / tile->ahead_lines : tile->groups;
    __m512i sum[ROWS][PANEL / LANES];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = _mm512_loadu_si512(tile->init + r * tile->ld_init + v * LANES);
    for (size_t left = tile->groups; left;) {
        const size_t now = minimum(step, left);
        left -= now;
        if (ahead) {
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
            ahead += 64;
        }
        for (const int8_t *end = b + now * vectors * 64; b < end; a += 4, b += vectors * 64) {
            __m512i columns[PANEL / LANES];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                columns[v] = _mm512_loadu_si512(b + v * 64);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, a + r * lda, 4);
                const __m512i row = _mm512_set1_epi32(four);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], row, columns[v]);
            }
        }
    }
    int32_t *c = tile->c;
    const size_t ld_c = tile->ld_c;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_si512(c + r * ld_c + v * LANES, sum[r][v]);
}

#elif defined(__AVX2__)
#include <immintrin.h>
#define TILE_ISA "avx2"
#define AVX2_ROWS 3 /* times 4 sums, with the rows and one vector of columns: all 16 registers */

/* 16 columns of up to AVX2_ROWS rows. A sum holds 4 columns, each in two halves of 2 products. */
INLINE void tile_avx2(const int rows, const int vectors, const Tile *tile, int first, int vector)
{
    const uint8_t *a = tile->a + first * tile->lda;
    const int8_t *b = tile->b + vector * 64;
    const size_t lda = tile->lda, groups = tile->groups;
    const int32_t *init = tile->init + first * tile->ld_init + vector * LANES;
    int32_t *c = tile->c + first * tile->ld_c + vector * LANES;
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
            c[r * tile->ld_c + n] = halves[2 * n] + halves[2 * n + 1] + init[r * tile->ld_init + n];
    }
}

INLINE void tile_fixed(const int rows, const int vectors, const Tile *tile)
{
    for (int v = 0; v < vectors; v++)
        for (int r = 0; r < rows; r += AVX2_ROWS)
            if (rows - r >= 3)
                tile_avx2(3, vectors, tile, r, v);
            else if (rows - r == 2)
                tile_avx2(2, vectors, tile, r, v);
            else
                tile_avx2(1, vectors, tile, r, v);
}

#else
#define TILE_ISA "portable"

INLINE void tile_fixed(const int rows, const int vectors, const Tile *tile)
{
    const int columns = vectors * LANES;
    for (int r = 0; r < rows; r++) {
        int32_t *sum = tile->c + r * tile->ld_c;
        for (int n = 0; n < columns; n++)
            sum[n] = tile->init[r * tile->ld_init + n];
        for (size_t g = 0; g < tile->groups; g++) {
            const uint8_t *four = tile->a + r * tile->lda + g * 4;
            const int8_t *column = tile->b + g * columns * 4;
            for (int n = 0; n < columns; n++)
                sum[n] += four[0] * column[4 * n] + four[1] * column[4 * n + 1] + four[2] * column[4 * n + 2] +
                          four[3] * column[4 * n + 3];
        }
    }
}

#endif

/* rows 1 … ROWS, vectors 1 … 4 */
static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
#ifdef TILE_UNROLLED /* one copy for each size, its sums in registers */
#define SIZE(R, V)                                                                                                  \
    case (R)*8 + (V):                                                                                               \
        tile_fixed(R, V, tile);                                                                                     \
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
    tile_fixed(rows, vectors, tile);
#endif
}

#endif
