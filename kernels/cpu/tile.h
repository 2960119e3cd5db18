/* Exact integer tile products, the one part that is written per instruction set: tile_*.h.
 *
 * `run_tile` computes c[r][n] = init[r][n] + sum_k a[r][k] * b[k][n] for up to ROWS rows and up to PANEL columns.
 * b is int8, the sum is int32 and cannot overflow within the contract's sizes. No saturating instruction is used.
 *
 * A signed row q enters as a = q + ZERO, and -ZERO * sum_k b[k][n] enters as init. ZERO is 128 where the
 * instruction takes a as uint8, and 0 where it takes a as int8. Digits of 0 to 127 are the same in both.
 *
 * b is packed: for each group of 4 k, the columns of the panel, each with its 4 values side by side. A panel has
 * 16 * vectors columns; all but the last panel of a matrix have PANEL.
 */
#ifndef SAMEBYTES_TILE_H
#define SAMEBYTES_TILE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Calls FIXED(rows, vectors, tile) with constants for every size up to 6 rows and 4 vectors: its sums are registers. */
#define TILE_SIZE(FIXED, R, V)                                                                                      \
    case (R) * 8 + (V):                                                                                             \
        FIXED(R, V, tile);                                                                                          \
        break;
#define TILE_SIZES(FIXED, R) TILE_SIZE(FIXED, R, 1) TILE_SIZE(FIXED, R, 2) TILE_SIZE(FIXED, R, 3) TILE_SIZE(FIXED, R, 4)
#define TILE_CALL(FIXED, rows, vectors)                                                                             \
    switch ((rows) * 8 + (vectors)) {                                                                               \
        TILE_SIZES(FIXED, 1)                                                                                        \
        TILE_SIZES(FIXED, 2)                                                                                        \
        TILE_SIZES(FIXED, 3)                                                                                        \
        TILE_SIZES(FIXED, 4)                                                                                        \
        TILE_SIZES(FIXED, 5)                                                                                        \
        TILE_SIZES(FIXED, 6)                                                                                        \
    }

#if defined(SAMEBYTES_PORTABLE)
#include "tile_plain.h"
#elif defined(__AMX_INT8__) && defined(__AVX512VNNI__)
#include "tile_amx.h"
#elif defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#include "tile_vnni.h"
#elif defined(__SSE2__)
#include "tile_madd.h"
#elif defined(__aarch64__) && (defined(__ARM_FEATURE_MATMUL_INT8) || defined(__ARM_FEATURE_DOTPROD))
#include "tile_neon.h"
#else
#include "tile_plain.h"
#endif

#ifndef BLOCK_ROWS
#define BLOCK_ROWS 72 /* most rows that one worker takes through a layer: they stay in its second-level cache */
#define QUERY_ROWS 24 /* queries times heads of a group in one unit of work, at least one query */
#endif

#ifndef TILE_STATE
INLINE int tile_enable(void) { return 0; }
INLINE void tile_leave(void) {}
#endif

#endif
