/* The engine without Python, for machines that are emulated and for counting: reads a model and what to ask of it,
 * writes the answers.
 *
 *     engine_main INPUT OUTPUT [REPEATS]     prints the instruction set and the CPU seconds of the quickest repeat
 *
 * INPUT is what test_arm.py writes. OUTPUT: for each step q [count, hidden] int8, s [count], logits [count, vocab]. */
#include "../../../kernels/cpu/samebytes.c"

#include <stdio.h>
#include <time.h>

static FILE *input;

static void *array(size_t count, size_t size)
{
    void *memory = aligned_alloc(64, round_up(count * size, 64) + 64);
    if (!memory || fread(memory, size, count, input) != count) {
        fprintf(stderr, "the input is short\n");
        exit(1);
    }
    return memory;
}

static Linear matrix(size_t n, size_t k, int biased)
{
    int8_t *w = array(n * k, 1), *packed = malloc((size_t)samebytes_packed_bytes((int64_t)n, (int64_t)k));
    int32_t *offset = malloc(round_up(n, PANEL) * sizeof *offset);
    samebytes_pack(w, NULL, (int64_t)n, (int64_t)k, packed, offset, 1);
    free(w);
    Linear layer = {(int64_t)n, (int64_t)k, packed, offset, array(n, 4), NULL};
    if (biased)
        layer.bias = array(n, 4);
    return layer;
}

static Cache new_cache(const ModelWeights *m, size_t positions)
{
    const size_t heads = (size_t)(m->layers * m->kv_heads), dim = (size_t)m->head_dim;
    const size_t capacity = round_up(positions, PANEL), all = heads * capacity;
    return (Cache){calloc(all, dim), calloc(all, round_up(dim, LANES)), calloc(all, 4), calloc(all, 4),
                   calloc(all, 4),   calloc(all, 4),                    (int64_t)capacity};
}

int main(int count, char **arguments)
{
    if (count < 3 || !(input = fopen(arguments[1], "rb")) || samebytes_enable())
        return 2;
    const int64_t *head = array(12, 8);
    const float *numbers = array(2, 4);
    const size_t hidden = (size_t)head[0], inner = (size_t)head[1], vocab = (size_t)head[6], steps = (size_t)head[11];
    const int64_t positions = head[7];
    ModelWeights m = {.hidden = head[0], .inner = head[1], .layers = head[2], .heads = head[3], .kv_heads = head[4],
                      .head_dim = head[5], .eps = numbers[0], .score = numbers[1]};
    const int biased = (int)head[8], head_norm = (int)head[9];
    const size_t dim = (size_t)m.head_dim, queries = (size_t)m.heads * dim, keys = (size_t)m.kv_heads * dim;
    m.embed = array(vocab * hidden, 1);
    m.embed_scale = array(vocab, 4);
    m.final_norm = array(hidden, 4);
    m.cosine = array((size_t)positions * dim / 2, 4);
    m.sine = array((size_t)positions * dim / 2, 4);
    LayerWeights *layers = calloc((size_t)m.layers, sizeof *layers);
    for (int64_t i = 0; i < m.layers; i++) {
        layers[i].attn_norm = array(hidden, 4);
        layers[i].mlp_norm = array(hidden, 4);
        if (head_norm) {
            layers[i].q_norm = array(dim, 4);
            layers[i].k_norm = array(dim, 4);
        }
        layers[i].qkv = matrix(queries + 2 * keys, hidden, biased);
        layers[i].o = matrix(hidden, queries, 0);
        layers[i].gate_up = matrix(2 * round_up(inner, LANES), hidden, 0);
        layers[i].down = matrix(hidden, inner, 0);
    }
    m.layer = layers;
    const Linear last = matrix(vocab, hidden, 0);

    const int repeats = count > 3 ? atoi(arguments[3]) : 1;
    double best = 1e30;
    const long from = ftell(input);
    for (int repeat = 0; repeat < repeats; repeat++) {
        fseek(input, from, SEEK_SET);
        FILE *output = fopen(arguments[2], "wb");
        Sequence sequence = {new_cache(&m, (size_t)positions), 0, 0};
        double seconds = 0;
        for (size_t step = 0; step < steps; step++) {
            sequence.count = *(int64_t *)array(1, 8);
            const size_t rows = (size_t)sequence.count;
            const int64_t *tokens = array(rows, 8);
            int8_t *q = malloc(rows * hidden);
            float *s = malloc(rows * 4), *logits = malloc(rows * vocab * 4);
            memset(q, 0x5a, rows * hidden);
            memset(logits, 0xff, rows * vocab * 4);
            struct timespec start, end;
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
            if (samebytes_forward(&m, &sequence, 1, tokens, q, s, 1))
                return 3;
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
            seconds += (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
            if (repeats == 1 && samebytes_linear(&last, q, s, sequence.count, logits, 1))
                return 3;
            fwrite(q, 1, rows * hidden, output);
            fwrite(s, 4, rows, output);
            fwrite(logits, 4, rows * vocab, output);
            free(q);
            free(s);
            free(logits);
            sequence.start += sequence.count;
        }
        fclose(output);
        best = seconds < best ? seconds : best;
    }
    printf("%s %.6f\n", samebytes_isa(), best);
    return 0;
}
