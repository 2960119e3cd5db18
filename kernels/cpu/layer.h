/* The steps of one layer over the rows of one block. */
#ifndef SAMEBYTES_LAYER_H
#define SAMEBYTES_LAYER_H

#include "workspace.h"

/* One worker, or all of them together, with what they need for the rows of one block. */
typedef struct {
    Worker *worker;
    uint8_t *a;         /* [rows][lda]: quantised, q + ZERO */
    float *s;           /* [rows] */
    float *y;           /* [rows][ldy] */
    float *attended;    /* [rows][heads * head_dim] */
    float *row_scratch; /* of this worker, as is attention_scratch */
    void *attention_scratch;
} Crew;

static void norm_rows(const Crew *crew, const ModelWeights *m, const Workspace *ws, const Block *block,
                      const float *gain)
{
    const size_t hidden = (size_t)m->hidden;
    for (size_t t; (t = take_unit(crew->worker)) < block->rows;)
        crew->s[t] = norm_quantize_row(ws->x + (block->row + t) * hidden, gain, hidden, m->eps, crew->a + t * ws->lda,
                                       crew->row_scratch);
    finish_loop(crew->worker);
}

static void quantize_rows(const Crew *crew, const Workspace *ws, const Block *block, const float *z, size_t ldz,
                          size_t count)
{
    for (size_t t; (t = take_unit(crew->worker)) < block->rows;)
        crew->s[t] = quantize_row(z + t * ldz, count, crew->a + t * ws->lda);
    finish_loop(crew->worker);
}

/* Heads of one row, from y: norm, rotary position, quantise; queries to the workspace, keys and values to the cache.
 * `bytes` holds two heads. */
static void split_heads(const ModelWeights *m, size_t index, const Workspace *ws, size_t row, float *y, uint8_t *bytes)
{
    const LayerWeights *layer = m->layer + index;
    const Part *part = ws->part_of[row];
    const size_t dim = (size_t)m->head_dim, heads = (size_t)m->heads, kv_heads = (size_t)m->kv_heads;
    const size_t group = head_group(m), p = part->position + row - part->row;
    const float *cosine = m->cosine + p * (dim / 2), *sine = m->sine + p * (dim / 2);
    for (size_t h = 0; h < heads; h++) {
        float *x = y + h * dim;
        if (layer->q_norm)
            norm_head(x, layer->q_norm, dim, m->eps);
        rope_head(x, cosine, sine, dim);
        const size_t at = (h / group * ws->rows + row) * group + h % group;
        ws->q_scale[at] = quantize_row(x, dim, ws->q + at * dim) * m->score;
    }
    uint8_t *k = bytes, *v = bytes + dim;
    for (size_t h = 0; h < kv_heads; h++) {
        float *key = y + (heads + h) * dim, *value = y + (heads + kv_heads + h) * dim;
        if (layer->k_norm)
            norm_head(key, layer->k_norm, dim, m->eps);
        rope_head(key, cosine, sine, dim);
        const float sk = quantize_row(key, dim, k), sv = quantize_row(value, dim, v);
        cache_write(&part->sequence->cache, index * kv_heads + h, p, dim, k, sk, v, sv);
    }
}

/* Queries, keys and values of a block. */
static void before_attention(const Crew *crew, const ModelWeights *m, size_t index, const Workspace *ws,
                             const Block *block)
{
    const LayerWeights *layer = m->layer + index;
    norm_rows(crew, m, ws, block, layer->attn_norm);
    linear_rows(&layer->qkv, crew->a, ws->lda, crew->s, block->rows, STORE, crew->y, ws->ldy, &layer->o, crew->worker);
    for (size_t t; (t = take_unit(crew->worker)) < block->rows;) /* the row's quantised input is used up by now */
        split_heads(m, index, ws, block->row + t, crew->y + t * ws->ldy, crew->a + t * ws->lda);
    finish_loop(crew->worker);
}

/* Attention and the MLP of a block, whose keys and values are all in the cache, as are those before. */
static void attention_and_mlp(const Crew *crew, const ModelWeights *m, size_t index, const Workspace *ws,
                              const Block *block)
{
    const LayerWeights *layer = m->layer + index;
    const size_t hidden = (size_t)m->hidden, dim = (size_t)m->head_dim, kv_heads = (size_t)m->kv_heads;
    const size_t group = head_group(m), q_size = (size_t)m->heads * dim;
    float *x = ws->x + block->row * hidden;
    for (size_t i; (i = take_unit(crew->worker)) < block->tasks;) {
        const Task *task = ws->tasks + block->task + i;
        const size_t row = task->part->row + task->first, at = (task->head * ws->rows + row) * group;
        attention_block(&task->part->sequence->cache, index * kv_heads + task->head, dim, group, ws->q + at * dim,
                        ws->q_scale + at, task->part->position + task->first, task->count,
                        crew->attended + (row - block->row) * q_size + task->head * group * dim, q_size,
                        crew->attention_scratch);
    }
    finish_loop(crew->worker);
    quantize_rows(crew, ws, block, crew->attended, q_size, q_size);
    linear_rows(&layer->o, crew->a, ws->lda, crew->s, block->rows, ADD, x, hidden, &layer->gate_up, crew->worker);

    norm_rows(crew, m, ws, block, layer->mlp_norm);
    linear_rows(&layer->gate_up, crew->a, ws->lda, crew->s, block->rows, GATE, crew->y, ws->ldy, &layer->down,
                crew->worker);
    quantize_rows(crew, ws, block, crew->y, ws->ldy, (size_t)m->inner);
    linear_rows(&layer->down, crew->a, ws->lda, crew->s, block->rows, ADD, x, hidden,
                index + 1 < (size_t)m->layers ? &layer[1].qkv : NULL, crew->worker);
}

#endif
