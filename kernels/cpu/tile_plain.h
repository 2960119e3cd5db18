/* Tile products in plain C: for every machine, and for what the compiler makes of it. */
#define TILE_ISA "portable"
#define ROWS 6
#define ZERO 0

static __attribute__((noinline)) void run_tile(int rows, int vectors, const Tile *tile)
{
    const int columns = vectors * LANES;
    for (int r = 0; r < rows; r++) {
        int32_t *sum = tile->c + r * tile->ld_c;
        for (int n = 0; n < columns; n++)
            sum[n] = tile->init[r * tile->ld_init + n];
        for (size_t g = 0; g < tile->groups; g++) {
            const int8_t *four = (const int8_t *)tile->a + r * tile->lda + g * 4;
            const int8_t *column = tile->b + g * columns * 4;
            for (int n = 0; n < columns; n++)
                sum[n] += four[0] * column[4 * n] + four[1] * column[4 * n + 1] + four[2] * column[4 * n + 2] +
                          four[3] * column[4 * n + 3];
        }
    }
}
