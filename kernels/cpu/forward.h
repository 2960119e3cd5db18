/* The forward pass: a ragged batch through all layers, in chunks of rows.
 *
 * Blocks of a large chunk go through a layer one worker each, and the workers meet only where a layer's keys and
 * values are complete. All workers share the one block of a small chunk, and meet after each step. */
#ifndef SAMEBYTES_FORWARD_H
#define SAMEBYTES_FORWARD_H

#include "layer.h"

/* What the workers of one chunk share. */
typedef struct {
    const ModelWeights *m;
    Workspace *ws;
    const int64_t *tokens;
    int8_t *q;
    float *s;
} Chunk;

static void embed_rows(const Crew *crew, const Chunk *chunk, const Block *block)
{
    const ModelWeights *m = chunk->m;
    const size_t hidden = (size_t)m->hidden;
    for (size_t t; (t = take_unit(crew->worker)) < block->rows;) {
        const size_t id = (size_t)chunk->tokens[block->row + t];
        float *x = chunk->ws->x + (block->row + t) * hidden;
        for (size_t d = 0; d < hidden; d++)
            x[d] = (float)m->embed[id * hidden + d] * m->embed_scale[id];
    }
    finish_loop(crew->worker);
}

static void finish_rows(const Crew *crew, const Chunk *chunk, const Block *block)
{
    const size_t hidden = (size_t)chunk->m->hidden;
    norm_rows(crew, chunk->m, chunk->ws, block, chunk->m->final_norm);
    for (size_t t; (t = take_unit(crew->worker)) < block->rows;) {
        const uint8_t *a = crew->a + t * chunk->ws->lda;
        int8_t *q = chunk->q + (block->row + t) * hidden;
        for (size_t d = 0; d < hidden; d++)
            q[d] = (int8_t)(a[d] - ZERO);
        chunk->s[block->row + t] = crew->s[t];
    }
    finish_loop(crew->worker);
}

/* From the keys and values of layer `index` - 1, or the tokens, to those of layer `index`, or the results. */
static void run_block(const Crew *crew, const Chunk *chunk, size_t index, const Block *block)
{
    if (index == 0)
        embed_rows(crew, chunk, block);
    else
        attention_and_mlp(crew, chunk->m, index - 1, chunk->ws, block);
    if (index < (size_t)chunk->m->layers)
        before_attention(crew, chunk->m, index, chunk->ws, block);
    else
        finish_rows(crew, chunk, block);
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

static void run_chunk(Worker *worker, void *arguments)
{
    const Chunk *chunk = arguments;
    const Workspace *ws = chunk->ws;
    const size_t layers = (size_t)chunk->m->layers, kv_heads = (size_t)chunk->m->kv_heads;
    const size_t thread = (size_t)worker->index, q_size = (size_t)(chunk->m->heads * chunk->m->head_dim);
    Team single = {.threads = 1};
    Worker alone = {&single, 0, 0};
    const int divided = ws->block_count > 1;
    const size_t first = divided ? thread * ws->block_rows : 0;
    const Crew crew = {
        divided ? &alone : worker,
        ws->a + first * ws->lda,
        ws->s + first,
        ws->y + first * ws->ldy,
        ws->attended + first * q_size,
        ws->row_scratch + thread * ws->row_floats,
        ws->attention_scratch + thread * ws->attention_bytes,
    };
    for (size_t index = 0; index <= layers; index++) {
        if (divided) { /* the last rows, which see the most keys, first */
            for (size_t i; (i = take_unit(worker)) < ws->block_count;)
                run_block(&crew, chunk, index, ws->blocks + ws->block_count - 1 - i);
            finish_loop(worker);
        } else
            run_block(&crew, chunk, index, ws->blocks);
        for (size_t i; index < layers && (i = take_unit(worker)) < ws->part_count * kv_heads;)
            extend_sv_max(ws->parts + i / kv_heads, index * kv_heads + i % kv_heads);
        finish_loop(worker);
    }
}

/* Rows of sequences from *sequence on, position *within, as parts, blocks and tasks. */
static void plan_chunk(Workspace *ws, const ModelWeights *m, size_t rows, size_t threads, Sequence **sequence,
                       size_t *within)
{
    ws->rows = rows;
    ws->part_count = 0;
    for (size_t row = 0; row < rows;) {
        const size_t count = minimum(rows - row, (size_t)(*sequence)->count - *within);
        Part *part = ws->parts + ws->part_count++;
        *part = (Part){*sequence, row, (size_t)(*sequence)->start + *within, count};
        for (size_t i = 0; i < count; i++)
            ws->part_of[row + i] = part;
        row += count;
        *within += count;
        if (*within == (size_t)(*sequence)->count) {
            ++*sequence;
            *within = 0;
        }
    }
    ws->block_rows = rows_of_block(rows, threads);
    ws->block_count = 0;
    size_t tasks = 0;
    for (size_t row = 0; row < rows; row += ws->block_rows) {
        const size_t end = minimum(row + ws->block_rows, rows), first_task = tasks;
        for (size_t at = row; at < end;) {
            const Part *part = ws->part_of[at];
            const size_t first = at - part->row;
            const size_t count = minimum(minimum(task_queries(m), part->count - first), end - at);
            for (size_t head = 0; head < (size_t)m->kv_heads; head++)
                ws->tasks[tasks++] = (Task){part, head, first, count};
            at += count;
        }
        ws->blocks[ws->block_count++] = (Block){row, end - row, first_task, tasks - first_task};
    }
}

/* Runs `tokens` (all sequences one after another); writes the final rows q [total, hidden] int8 and s [total].
 * Returns 0, or -1 when memory is short (the caches' counted positions are untouched either way). */
int samebytes_forward(const ModelWeights *m, Sequence *sequences, int64_t count, const int64_t *tokens, int8_t *q,
                      float *s, int threads)
{
    const size_t hidden = (size_t)m->hidden;
    size_t total = 0, keys = 0;
    for (int64_t i = 0; i < count; i++) {
        total += (size_t)sequences[i].count;
        keys = maximum(keys, (size_t)(sequences[i].start + sequences[i].count));
    }
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    Workspace ws;
    const size_t most = minimum(total, CHUNK_ROWS);
    if (!workspace_open(&ws, m, most, keys, (size_t)threads))
        return -1;
    size_t within = 0;
    for (size_t first = 0; first < total; first += most) {
        plan_chunk(&ws, m, minimum(most, total - first), (size_t)threads, &sequences, &within);
        run_team(threads, run_chunk, &(Chunk){m, &ws, tokens + first, q + first * hidden, s + first});
    }
    free(ws.memory);
    return 0;
}

#endif
