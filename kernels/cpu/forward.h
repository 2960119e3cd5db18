/* The forward pass: a ragged batch through all layers, in chunks of rows that stay in the second-level cache. */
#ifndef SAMEBYTES_FORWARD_H
#define SAMEBYTES_FORWARD_H

#include <stdlib.h>

#include "attention.h"

#define CHUNK_ROWS 256
#define ALIGN 64

typedef struct {
    const float *attn_norm, *mlp_norm, *q_norm, *k_norm; /* q_norm and k_norm may be NULL */
    Linear qkv, o, gate_up, down;                        /* qkv and gate_up: outputs side by side */
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

typedef struct {
    const Part *part;
    size_t head, first, count;
} Task;

typedef struct {
    float *x, *y, *attended, *s, *q_scale, *row_scratch;
    uint8_t *a, *q, *attention_scratch;
    size_t lda, ldy, row_floats, attention_bytes;
    Part *parts;
    Task *tasks;
    int64_t *position;
    void *memory;
} Workspace;

static void *carve(uint8_t **next, size_t bytes)
{
    void *here = *next;
    *next += round_up(bytes, ALIGN);
    return here;
}

static int workspace_open(Workspace *ws, const ModelWeights *m, size_t rows, size_t keys, int threads)
{
    const size_t q_size = (size_t)(m->heads * m->head_dim), kv_size = (size_t)(m->kv_heads * m->head_dim);
    const size_t hidden = (size_t)m->hidden, inner = (size_t)m->inner, group = (size_t)(m->heads / m->kv_heads);
    const size_t widest = inner > hidden ? (inner > q_size ? inner : q_size) : (hidden > q_size ? hidden : q_size);
    const size_t block_rows = group > QUERY_ROWS ? group : QUERY_ROWS;
    const size_t tasks = rows * (size_t)m->kv_heads;
    ws->lda = round_up(widest > 2 * (size_t)m->head_dim ? widest : 2 * (size_t)m->head_dim, ALIGN);
    ws->ldy = q_size + 2 * kv_size > 2 * inner ? q_size + 2 * kv_size : 2 * inner;
    ws->row_floats = round_up(widest, ALIGN);
    ws->attention_bytes = round_up(attention_scratch(block_rows, keys, (size_t)m->head_dim), ALIGN);
    const size_t bytes = rows * (hidden + ws->ldy + q_size + 1 + (size_t)m->heads) * sizeof(float) +
                         rows * (ws->lda + q_size + sizeof(Part) + sizeof(int64_t)) + tasks * sizeof(Task) +
                         (size_t)threads * (ws->row_floats * sizeof(float) + ws->attention_bytes) + 16 * ALIGN;
    ws->memory = malloc(bytes);
    if (!ws->memory)
        return 0;
    uint8_t *next = (uint8_t *)round_up((size_t)ws->memory, ALIGN);
    ws->x = carve(&next, rows * hidden * sizeof(float));
    ws->y = carve(&next, rows * ws->ldy * sizeof(float));
    ws->attended = carve(&next, rows * q_size * sizeof(float));
    ws->s = carve(&next, rows * sizeof(float));
    ws->q_scale = carve(&next, rows * (size_t)m->heads * sizeof(float));
    ws->row_scratch = carve(&next, (size_t)threads * ws->row_floats * sizeof(float));
    ws->a = carve(&next, rows * ws->lda);
    ws->q = carve(&next, rows * q_size);
    ws->attention_scratch = carve(&next, (size_t)threads * ws->attention_bytes);
    ws->parts = carve(&next, rows * sizeof(Part));
    ws->tasks = carve(&next, tasks * sizeof(Task));
    ws->position = carve(&next, rows * sizeof(int64_t));
    return 1;
}

/* Heads of one row: norm, rotary position, quantise; queries to the workspace, keys and values to the cache. */
static void split_heads(const ModelWeights *m, const LayerWeights *layer, size_t layer_index, Workspace *ws,
                        size_t chunk_rows, const Part *part, size_t row)
{
    const size_t dim = (size_t)m->head_dim, heads = (size_t)m->heads, kv_heads = (size_t)m->kv_heads;
    const size_t group = heads / kv_heads, p = (size_t)ws->position[row];
    const float *cosine = m->cosine + p * (dim / 2), *sine = m->sine + p * (dim / 2);
    float *y = ws->y + row * ws->ldy;
    for (size_t h = 0; h < heads; h++) {
        float *x = y + h * dim;
        if (layer->q_norm)
            norm_head(x, layer->q_norm, dim, m->eps);
        rope_head(x, cosine, sine, dim);
        const size_t at = (h / group * chunk_rows + row) * group + h % group; /* [kv head][row][head of the group] */
        ws->q_scale[at] = quantize_row(x, dim, ws->q + at * dim) * m->score;
    }
    uint8_t *k = ws->a + row * ws->lda, *v = k + dim; /* the row's quantised input is used up by now */
    for (size_t h = 0; h < kv_heads; h++) {
        float *key = y + (heads + h) * dim, *value = y + (heads + kv_heads + h) * dim;
        if (layer->k_norm)
            norm_head(key, layer->k_norm, dim, m->eps);
        rope_head(key, cosine, sine, dim);
        const float sk = quantize_row(key, dim, k), sv = quantize_row(value, dim, v);
        cache_write(&part->sequence->cache, layer_index * kv_heads + h, p, dim, k, sk, v, sv);
    }
}

static void extend_sv_max(const Part *part, size_t head)
{
    const Cache *cache = &part->sequence->cache;
    const float *sv = cache->sv + head * (size_t)cache->capacity;
    float *sv_max = cache->sv_max + head * (size_t)cache->capacity;
    float m = part->position ? sv_max[part->position - 1] : 0.0f;
    for (size_t p = part->position; p < part->position + part->count; p++) {
        m = sv[p] > m ? sv[p] : m;
        sv_max[p] = m;
    }
}

/* One layer over the rows of a chunk; every worker calls it. */
static void run_layer(Worker *worker, const ModelWeights *m, size_t index, Workspace *ws, size_t rows,
                      const Part *const *part_of, size_t parts, size_t tasks)
{
    const LayerWeights *layer = m->layer + index;
    const size_t hidden = (size_t)m->hidden, inner = (size_t)m->inner, dim = (size_t)m->head_dim;
    const size_t kv_heads = (size_t)m->kv_heads, group = (size_t)m->heads / kv_heads;
    const size_t q_size = (size_t)m->heads * dim, thread = (size_t)worker->index;
    float *scratch = ws->row_scratch + thread * ws->row_floats;
    void *attention_memory = ws->attention_scratch + thread * ws->attention_bytes;

    for (size_t t; (t = take_unit(worker)) < rows;)
        ws->s[t] = norm_quantize_row(ws->x + t * hidden, layer->attn_norm, hidden, m->eps, ws->a + t * ws->lda, scratch);
    finish_loop(worker);
    linear_rows(&layer->qkv, ws->a, ws->lda, ws->s, rows, 0, ws->y, ws->ldy, worker);
    for (size_t t; (t = take_unit(worker)) < rows;)
        split_heads(m, layer, index, ws, rows, part_of[t], t);
    finish_loop(worker);
    for (size_t i; (i = take_unit(worker)) < parts * kv_heads;)
        extend_sv_max(ws->parts + i / kv_heads, index * kv_heads + i % kv_heads);
    finish_loop(worker);
    for (size_t i; (i = take_unit(worker)) < tasks;) {
        const Task *task = ws->tasks + i;
        const size_t row = task->part->row + task->first, at = (task->head * rows + row) * group;
        attention_block(&task->part->sequence->cache, index * kv_heads + task->head, dim, group, ws->q + at * dim,
                        ws->q_scale + at, task->part->position + task->first, task->count,
                        ws->attended + row * q_size + task->head * group * dim, q_size, attention_memory);
    }
    finish_loop(worker);
    for (size_t t; (t = take_unit(worker)) < rows;)
        ws->s[t] = quantize_row(ws->attended + t * q_size, q_size, ws->a + t * ws->lda);
    finish_loop(worker);
    linear_rows(&layer->o, ws->a, ws->lda, ws->s, rows, 1, ws->x, hidden, worker);

    for (size_t t; (t = take_unit(worker)) < rows;)
        ws->s[t] = norm_quantize_row(ws->x + t * hidden, layer->mlp_norm, hidden, m->eps, ws->a + t * ws->lda, scratch);
    finish_loop(worker);
    linear_rows(&layer->gate_up, ws->a, ws->lda, ws->s, rows, 0, ws->y, ws->ldy, worker);
    for (size_t t; (t = take_unit(worker)) < rows;) {
        float *gate = ws->y + t * ws->ldy;
        silu_mul_row(gate, gate + inner, inner, scratch);
        ws->s[t] = quantize_row(scratch, inner, ws->a + t * ws->lda);
    }
    finish_loop(worker);
    linear_rows(&layer->down, ws->a, ws->lda, ws->s, rows, 1, ws->x, hidden, worker);
}

/* What the workers of one chunk share. */
typedef struct {
    const ModelWeights *m;
    Workspace *ws;
    const int64_t *tokens;
    int8_t *q;
    float *s;
    size_t rows, parts, tasks;
    const Part *const *part_of;
} Chunk;

static void run_chunk(Worker *worker, void *arguments)
{
    const Chunk *chunk = arguments;
    const ModelWeights *m = chunk->m;
    Workspace *ws = chunk->ws;
    const size_t hidden = (size_t)m->hidden;
    for (size_t t; (t = take_unit(worker)) < chunk->rows;) {
        const size_t id = (size_t)chunk->tokens[t];
        for (size_t d = 0; d < hidden; d++)
            ws->x[t * hidden + d] = (float)m->embed[id * hidden + d] * m->embed_scale[id];
    }
    finish_loop(worker);
    for (size_t index = 0; index < (size_t)m->layers; index++)
        run_layer(worker, m, index, ws, chunk->rows, chunk->part_of, chunk->parts, chunk->tasks);
    float *scratch = ws->row_scratch + (size_t)worker->index * ws->row_floats;
    for (size_t t; (t = take_unit(worker)) < chunk->rows;) {
        uint8_t *a = ws->a + t * ws->lda;
        chunk->s[t] = norm_quantize_row(ws->x + t * hidden, m->final_norm, hidden, m->eps, a, scratch);
        for (size_t d = 0; d < hidden; d++)
            chunk->q[t * hidden + d] = (int8_t)(a[d] - 128);
    }
}

/* Runs `tokens` (all sequences one after another); writes the final rows q [total, hidden] int8 and s [total].
 * Returns 0, or -1 when memory is short (the caches' counted positions are untouched either way). */
int samebytes_forward(const ModelWeights *m, Sequence *sequences, int64_t count, const int64_t *tokens, int8_t *q,
                      float *s, int threads)
{
    const size_t hidden = (size_t)m->hidden, kv_heads = (size_t)m->kv_heads;
    const size_t group = (size_t)m->heads / kv_heads, block = group < QUERY_ROWS ? QUERY_ROWS / group : 1;
    size_t total = 0, keys = 0;
    for (int64_t i = 0; i < count; i++) {
        const size_t end = (size_t)(sequences[i].start + sequences[i].count);
        total += (size_t)sequences[i].count;
        keys = end > keys ? end : keys;
    }
    const size_t most = minimum(total, CHUNK_ROWS);
    Workspace ws;
    if (!workspace_open(&ws, m, most, keys, threads))
        return -1;
    const Part *part_of[CHUNK_ROWS];
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;

    size_t sequence = 0, within = 0;
    for (size_t first = 0; first < total; first += most) {
        const size_t rows = minimum(most, total - first);
        size_t parts = 0, tasks = 0;
        for (size_t row = 0; row < rows; parts++) {
            Sequence *now = sequences + sequence;
            const size_t here = minimum(rows - row, (size_t)now->count - within);
            Part *part = ws.parts + parts;
            *part = (Part){now, row, (size_t)now->start + within, here};
            for (size_t i = 0; i < here; i++) {
                part_of[row + i] = part;
                ws.position[row + i] = (int64_t)(part->position + i);
            }
            for (size_t i = 0; i < here; i += block)
                for (size_t h = 0; h < kv_heads; h++)
                    ws.tasks[tasks++] = (Task){part, h, i, minimum(block, here - i)};
            row += here;
            within += here;
            if (within == (size_t)now->count) {
                sequence++;
                within = 0;
            }
        }
        run_team(threads, run_chunk, &(Chunk){m, &ws, tokens + first, q + first * hidden, s + first, rows, parts, tasks, part_of});
    }
    free(ws.memory);
    return 0;
}

#endif
