/* Tile products by pmaddwd, which adds two exact products of 16 bits into 32: AVX512BW, AVX2, AVX and SSE2.
 *
 * Bytes become 16 bits by taking the even and the odd k of a group of 4 apart: of a column's four bytes, shifts leave
 * (k0, k2) and (k1, k3), each pair in the 32 bits of the column's sum. The rows are taken apart the same way, once for
 * all columns of the panel. */
#include <immintrin.h>

#define ROWS 6
#define ZERO 128

#if defined(__AVX512BW__)
#define TILE_ISA "avx512"
#define STRIP 4 /* vectors of a strip: with the sums of 6 rows, the columns, a row and a product, all the registers */
typedef __m512i Ints;
#define LOAD_INTS(p) _mm512_loadu_si512(p)
#define STORE_INTS(p, x) _mm512_storeu_si512(p, x)
#define REPEAT_INT(x) _mm512_set1_epi32(x)
#define ADD_INTS _mm512_add_epi32
#define MULTIPLY_PAIRS _mm512_madd_epi16
#define LOW_BYTES(x) _mm512_and_si512(x, _mm512_set1_epi16(255))
#define HIGH_BYTES(x) _mm512_srli_epi16(x, 8)
#define EVEN_BYTES(x) _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)
#define ODD_BYTES(x) _mm512_srai_epi16(x, 8)
#elif defined(__AVX2__)
#define TILE_ISA "avx2"
#define STRIP 2
typedef __m256i Ints;
#define LOAD_INTS(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE_INTS(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#define REPEAT_INT(x) _mm256_set1_epi32(x)
#define ADD_INTS _mm256_add_epi32
#define MULTIPLY_PAIRS _mm256_madd_epi16
#define LOW_BYTES(x) _mm256_and_si256(x, _mm256_set1_epi16(255))
#define HIGH_BYTES(x) _mm256_srli_epi16(x, 8)
#define EVEN_BYTES(x) _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8)
#define ODD_BYTES(x) _mm256_srai_epi16(x, 8)
#else
#ifdef __AVX__
#define TILE_ISA "avx"
#else
#define TILE_ISA "sse2"
#endif
#define STRIP 2
typedef __m128i Ints;
#define LOAD_INTS(p) _mm_loadu_si128((const __m128i *)(p))
#define STORE_INTS(p, x) _mm_storeu_si128((__m128i *)(p), x)
#define REPEAT_INT(x) _mm_set1_epi32(x)
#define ADD_INTS _mm_add_epi32
#define MULTIPLY_PAIRS _mm_madd_epi16
#define LOW_BYTES(x) _mm_and_si128(x, _mm_set1_epi16(255))
#define HIGH_BYTES(x) _mm_srli_epi16(x, 8)
#define EVEN_BYTES(x) _mm_srai_epi16(_mm_slli_epi16(x, 8), 8)
#define ODD_BYTES(x) _mm_srai_epi16(x, 8)
#endif
#ifdef __AVX512F__
#define IN_REGISTER "+v"
#else
#define IN_REGISTER "+x"
#endif
#define COLUMNS ((int)(sizeof(Ints) / 4))
#define STRIP_OF_FEW 4 /* of one or two rows */
#define MOST_GROUPS 256 /* whose rows, taken apart, stay in the first-level cache */

/* Without it GCC adds two products first, for which there are no registers. */
INLINE Ints keep_order(Ints x)
{
    __asm__("" : IN_REGISTER(x));
    return x;
}

/* A row's pairs (k0, k2) and (k1, k3) of each group. */
typedef struct {
    int32_t even[MOST_GROUPS], odd[MOST_GROUPS];
} RowPairs;

static void take_apart(const uint8_t *a, size_t groups, RowPairs *pairs)
{
    size_t g = 0;
    for (; g + COLUMNS <= groups; g += COLUMNS) {
        const Ints x = LOAD_INTS(a + g * 4);
        STORE_INTS(pairs->even + g, LOW_BYTES(x));
        STORE_INTS(pairs->odd + g, HIGH_BYTES(x));
    }
    for (; g < groups; g++) {
        pairs->even[g] = a[g * 4] | a[g * 4 + 2] << 16;
        pairs->odd[g] = a[g * 4 + 1] | a[g * 4 + 3] << 16;
    }
}

/* `wide` vectors of columns at b, the groups `stride` bytes apart. */
INLINE void madd_strip(const int rows, const int wide, const RowPairs *pairs, const int8_t *b, size_t stride,
                       size_t groups, const int32_t *init, size_t ld_init, int32_t *c, size_t ld_c)
{
    Ints sum[6][STRIP_OF_FEW];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            sum[r][v] = LOAD_INTS(init + r * ld_init + v * COLUMNS);
    for (size_t g = 0; g < groups; g++, b += stride) {
        Ints columns[STRIP_OF_FEW];
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            columns[v] = EVEN_BYTES(LOAD_INTS(b + v * sizeof(Ints)));
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const Ints row = REPEAT_INT(pairs[r].even[g]);
#pragma GCC unroll 8
            for (int v = 0; v < wide; v++)
                sum[r][v] = keep_order(ADD_INTS(sum[r][v], MULTIPLY_PAIRS(row, columns[v])));
        }
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            columns[v] = ODD_BYTES(LOAD_INTS(b + v * sizeof(Ints)));
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const Ints row = REPEAT_INT(pairs[r].odd[g]);
#pragma GCC unroll 8
            for (int v = 0; v < wide; v++)
                sum[r][v] = keep_order(ADD_INTS(sum[r][v], MULTIPLY_PAIRS(row, columns[v])));
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < wide; v++)
            STORE_INTS(c + r * ld_c + v * COLUMNS, sum[r][v]);
}

INLINE void madd_fixed(const int rows, const int vectors, const Tile *tile)
{
    const int in_all = vectors * LANES / COLUMNS, most = rows > 2 ? STRIP : STRIP_OF_FEW;
    const int wide = in_all < most ? in_all : most;
    RowPairs pairs[6];
    for (size_t done = 0; done < tile->groups; done += MOST_GROUPS) {
        const size_t now = minimum(MOST_GROUPS, tile->groups - done);
        for (int r = 0; r < rows; r++)
            take_apart(tile->a + r * tile->lda + done * 4, now, pairs + r);
        const int32_t *init = done ? tile->c : tile->init;
        const size_t ld_init = done ? tile->ld_c : tile->ld_init;
        const int8_t *b = tile->b + done * (size_t)vectors * 64;
        for (int v = 0; v < in_all; v += wide)
            madd_strip(rows, wide, pairs, b + v * sizeof(Ints), (size_t)vectors * 64, now, init + v * COLUMNS, ld_init,
                       tile->c + v * COLUMNS, tile->ld_c);
    }
}

static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
    TILE_CALL(madd_fixed, rows, vectors)
}
