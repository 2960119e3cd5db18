/* The model as the engine sees it, and the memory of one forward pass. */
#ifndef SAMEBYTES_WORKSPACE_H
#define SAMEBYTES_WORKSPACE_H

#include <stdlib.h>

#include "attention.h"

#define CHUNK_ROWS 1024 /* rows that go through all layers together */
#define ALONE_ROWS 32   /* a worker: with fewer rows, all workers share each product, and weights are read once */
#define ALIGN 64

typedef struct {
    const float *attn_norm, *mlp_norm, *q_norm, *k_norm; /* q_norm and k_norm may be NULL */
    Linear qkv, o, gate_up, down; /* qkv: outputs side by side; gate_up: LANES of each in turns, padded with zeros */
} LayerWeights;

typedef struct {
    int64_t hidden, inner, layers, heads, kv_heads, head_dim;
    float eps, score; /* score = f32(log2(e) / sqrt(head_dim)) */
    const int8_t *embed;
    const float *embed_scale, *final_norm, *cosine, *sine;
    const LayerWeights *layer;
} ModelWeights;

typedef struct {
    Cache cache;
    int64_t start, count; /* positions before, tokens now */
} Sequence;

/* Consecutive rows of one sequence within a chunk. */
typedef struct {
    Sequence *sequence;
    size_t row, position, count;
} Part;

/* Queries of one part under one key head. */
typedef struct {
    const Part *part;
    size_t head, first, count;
} Task;

/* Rows that one crew takes through a layer, and their tasks. */
typedef struct {
    size_t row, rows, task, tasks;
} Block;

/* What a chunk of rows needs: queries are [kv head][row][head of the group]; from `a` on, arrays that hold the rows of
 * one block for each worker (layer.h). */
typedef struct {
    size_t rows, block_rows;
    float *x, *q_scale;
    uint8_t *q;
    Part *parts;
    const Part **part_of;
    Task *tasks;
    Block *blocks;
    size_t part_count, block_count;

    size_t lda, ldy, row_floats, attention_bytes;
    uint8_t *a, *attention_scratch;
    float *s, *y, *attended, *row_scratch;
    void *memory;
} Workspace;

INLINE size_t maximum(size_t a, size_t b) { return a > b ? a : b; }
INLINE size_t head_group(const ModelWeights *m) { return (size_t)(m->heads / m->kv_heads); }

/* Queries of one task: as many as fill QUERY_ROWS rows, at least one. */
INLINE size_t task_queries(const ModelWeights *m) { return maximum(QUERY_ROWS / head_group(m), 1); }

/* Rows of one block: enough blocks for every worker to have as many as any other, or one block for all workers. */
INLINE size_t rows_of_block(size_t rows, size_t threads)
{
    if (rows < threads * ALONE_ROWS)
        return rows;
    const size_t each = (rows + threads * BLOCK_ROWS - 1) / (threads * BLOCK_ROWS);
    return (rows + threads * each - 1) / (threads * each);
}

/* Gives every array its place from `base` on and returns the bytes in use. */
static size_t lay_out(Workspace *ws, const ModelWeights *m, uintptr_t base, size_t rows, size_t threads)
{
    const size_t hidden = (size_t)m->hidden, heads = (size_t)m->heads, q_size = heads * (size_t)m->head_dim;
    const size_t crew_rows = minimum(rows + threads, threads * BLOCK_ROWS);
    size_t used = 0;
#define PLACE(member, count)                                                                                        \
    (ws->member = (void *)(base + used), used += round_up((count) * sizeof *ws->member, ALIGN))
    PLACE(x, rows * hidden);
    PLACE(q_scale, rows * heads);
    PLACE(q, rows * q_size);
    PLACE(parts, rows);
    PLACE(part_of, rows);
    PLACE(tasks, rows * (size_t)m->kv_heads);
    PLACE(blocks, rows);
    PLACE(a, crew_rows * ws->lda);
    PLACE(s, crew_rows);
    PLACE(y, crew_rows * ws->ldy);
    PLACE(attended, crew_rows * q_size);
    PLACE(row_scratch, threads * ws->row_floats);
    PLACE(attention_scratch, threads * ws->attention_bytes);
#undef PLACE
    return used;
}

/* Memory for chunks of up to `rows` rows of sequences of up to `keys` positions. Returns 0 when it is short. */
static int workspace_open(Workspace *ws, const ModelWeights *m, size_t rows, size_t keys, size_t threads)
{
    const size_t dim = (size_t)m->head_dim, q_size = (size_t)m->heads * dim, kv_size = (size_t)m->kv_heads * dim;
    const size_t inner = round_up((size_t)m->inner, LANES);
    const size_t widest = maximum(maximum(inner, (size_t)m->hidden), maximum(q_size, 2 * dim));
    ws->lda = round_up(widest, ALIGN);
    ws->ldy = maximum(q_size + 2 * kv_size, inner);
    ws->row_floats = round_up(widest, ALIGN);
    ws->attention_bytes = round_up(attention_scratch(task_queries(m) * head_group(m), keys, dim), ALIGN);
    ws->memory = malloc(lay_out(ws, m, 0, rows, threads) + ALIGN);
    if (ws->memory)
        lay_out(ws, m, round_up((size_t)ws->memory, ALIGN), rows, threads);
    return ws->memory != NULL;
}

#endif
