/* Tile products by tdpbusd: 16 rows by 16 columns by 64 k at once, each product exact and added into 32 bits.
 * Few rows, and the k that fill no tile, go through AVX512-VNNI. */
#define TILE_ISA "amx"
#define ROWS 16
#define ZERO 128
#define BLOCK_ROWS 96
#define QUERY_ROWS 48
#define TILE_STATE
#define FEWEST_TILE_ROWS 3

#include <sys/syscall.h>
#include <unistd.h>

#include "tile_vnni.h"

#define TILE_GROUPS 16

/* Asks the kernel for the tile registers of this process. Returns 0, or -1 when they are not to be had. */
static int tile_enable(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) ? -1 : 0;
}

static _Thread_local int shaped_rows; /* rows that the tile registers of this thread are shaped for; 0: not at all */

static void shape_tiles(int rows)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = (uint8_t)(i < 5 ? rows : TILE_GROUPS); /* 0 … 3: sums, 4: rows, 5 … 7: columns */
    }
    _tile_loadconfig(&shape);
    shaped_rows = rows;
}

/* Gives the tile registers up: the system need not keep them for a thread that does other things. */
static void tile_leave(void)
{
    if (shaped_rows)
        _tile_release();
    shaped_rows = 0;
}

INLINE void amx_fixed(const int vectors, const Tile *tile, size_t steps)
{
    const size_t ld_init = tile->ld_init * 4, ld_c = tile->ld_c * 4, bytes = (size_t)vectors * 64;
    const uint8_t *a = tile->a;
    const int8_t *b = tile->b, *ahead = tile->ahead;
    const size_t lines = ahead ? (tile->ahead_lines + steps - 1) / steps : 0;
    const int8_t *end = ahead ? ahead + tile->ahead_lines * 64 : NULL;
#define LOAD_SUMS(V)                                                                                                \
    if (vectors > V)                                                                                                \
        _tile_loadd(V, tile->init + V * LANES, ld_init);
#define MULTIPLY(V, B)                                                                                              \
    if (vectors > V) {                                                                                              \
        _tile_loadd(B, b + V * 64, bytes);                                                                          \
        _tile_dpbusd(V, 4, B);                                                                                      \
    }
#define STORE_SUMS(V)                                                                                               \
    if (vectors > V)                                                                                                \
        _tile_stored(V, tile->c + V * LANES, ld_c);
    LOAD_SUMS(0) LOAD_SUMS(1) LOAD_SUMS(2) LOAD_SUMS(3)
    for (size_t step = 0; step < steps; step++, a += 4 * TILE_GROUPS, b += TILE_GROUPS * bytes) {
        for (size_t i = 0; i < lines && ahead < end; i++, ahead += 64)
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
        _tile_loadd(4, a, tile->lda);
        MULTIPLY(0, 5) MULTIPLY(1, 6) MULTIPLY(2, 7) MULTIPLY(3, 5)
    }
    STORE_SUMS(0) STORE_SUMS(1) STORE_SUMS(2) STORE_SUMS(3)
#undef LOAD_SUMS
#undef MULTIPLY
#undef STORE_SUMS
}

static __attribute__((noinline)) void run_vnni(int rows, int vectors, const Tile *tile)
{
    TILE_CALL(vnni_fixed, rows, vectors)
}

static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
    const size_t steps = rows < FEWEST_TILE_ROWS ? 0 : tile->groups / TILE_GROUPS, done = steps * TILE_GROUPS;
    if (steps) {
        if (shaped_rows != rows)
            shape_tiles(rows);
        switch (vectors) {
        case 1:
            amx_fixed(1, tile, steps);
            break;
        case 2:
            amx_fixed(2, tile, steps);
            break;
        case 3:
            amx_fixed(3, tile, steps);
            break;
        default:
            amx_fixed(4, tile, steps);
        }
        if (done == tile->groups)
            return;
    }
    for (int r = 0; r < rows; r += 6) { /* the rest is added to c */
        Tile rest = *tile;
        rest.a += r * tile->lda + done * 4;
        rest.b += done * vectors * 64;
        rest.groups -= done;
        rest.c += r * tile->ld_c;
        rest.init = steps ? rest.c : tile->init + r * tile->ld_init;
        rest.ld_init = steps ? tile->ld_c : tile->ld_init;
        if (steps || r)
            rest.ahead = NULL;
        run_vnni((int)minimum(6, (size_t)(rows - r)), vectors, &rest);
    }
}
