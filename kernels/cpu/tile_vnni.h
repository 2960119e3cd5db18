/* Tile products by vpdpbusd, which adds four exact products of uint8 and int8 into 32 bits: AVX512-VNNI and AVX-VNNI. */
#include <immintrin.h>

#ifdef __AVX512VNNI__
#define VNNI_ISA "avx512-vnni"
#define STRIP 4 /* vectors of a strip: with the sums of 6 rows, the columns and a row, what fits into the registers */
typedef __m512i Ints;
#define LOAD_INTS(p) _mm512_loadu_si512(p)
#define STORE_INTS(p, x) _mm512_storeu_si512(p, x)
#define REPEAT_INT(x) _mm512_set1_epi32(x)
#define ADD_PRODUCTS(sum, a, b) _mm512_dpbusd_epi32(sum, a, b)
#else
#define VNNI_ISA "avx-vnni"
#define STRIP 2
typedef __m256i Ints;
#define LOAD_INTS(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE_INTS(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#define REPEAT_INT(x) _mm256_set1_epi32(x)
#define ADD_PRODUCTS(sum, a, b) _mm256_dpbusd_avx_epi32(sum, a, b)
#endif
#define COLUMNS ((int)(sizeof(Ints) / 4))

/* `wide` vectors of columns from the vector `first` on. */
INLINE void vnni_strip(const int rows, const int wide, const int vectors, const Tile *tile, int first,
                       const int8_t *ahead)
{
    const uint8_t *a = tile->a;
    const int8_t *b = tile->b + first * sizeof(Ints);
    const size_t lda = tile->lda, step = ahead ? tile->groups / tile->ahead_lines : tile->groups;
    Ints sum[6][STRIP];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            sum[r][v] = LOAD_INTS(tile->init + r * tile->ld_init + (first + v) * COLUMNS);
    for (size_t left = tile->groups; left;) {
        const size_t now = minimum(step, left);
        left -= now;
        if (ahead) {
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
            ahead += 64;
        }
        for (const int8_t *end = b + now * vectors * 64; b < end; a += 4, b += vectors * 64) {
            Ints columns[STRIP];
#pragma GCC unroll 8
            for (int v = 0; v < wide; v++)
                columns[v] = LOAD_INTS(b + v * sizeof(Ints));
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, a + r * lda, 4);
                const Ints row = REPEAT_INT(four);
#pragma GCC unroll 8
                for (int v = 0; v < wide; v++)
                    sum[r][v] = ADD_PRODUCTS(sum[r][v], row, columns[v]);
            }
        }
    }
    int32_t *c = tile->c + first * COLUMNS;
    const size_t ld_c = tile->ld_c;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            STORE_INTS(c + r * ld_c + v * COLUMNS, sum[r][v]);
}

INLINE void vnni_fixed(const int rows, const int vectors, const Tile *tile)
{
    const int in_all = vectors * LANES / COLUMNS, wide = in_all < STRIP ? in_all : STRIP;
    vnni_strip(rows, wide, vectors, tile, 0, tile->ahead);
    for (int first = wide; first < in_all; first += wide)
        vnni_strip(rows, wide, vectors, tile, first, NULL);
}

#ifndef ROWS
#define TILE_ISA VNNI_ISA
#define ROWS 6
#define ZERO 128

static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
    TILE_CALL(vnni_fixed, rows, vectors)
}
#endif
