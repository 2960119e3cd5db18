/* The two sweeps of `chain_scores.py`: the same integers, the same ties. `chain_scores.py` says what they mean and is what
 * this file is tested against.
 */
#include <stdint.h>

typedef struct {
    int64_t count;
    const int64_t *edit, *line, *weight, *chunk, *indent, *ends; /* [count], by edit, then by line */
    const int64_t *log;                                          /* [farthest + 1] */
    int64_t farthest, jump_cost, out_of_scope_cost;
} Anchors;

static int64_t log_of(const Anchors *a, int64_t n) { return a->log[n < a->farthest ? n : a->farthest]; }

/* What a step to a later line of the edit costs; -1 where it cannot be. */
static int64_t cost(const Anchors *a, int64_t from, int64_t to) {
    int64_t lines = a->line[to] - a->line[from], jump = lines - (a->edit[to] - a->edit[from]), cost;
    if (lines <= 0) return -1;
    if (a->chunk[from] != a->chunk[to]) cost = log_of(a, 1 + lines);
    else if (jump >= 0) cost = a->jump_cost * log_of(a, 1 + jump);
    else cost = 2 * log_of(a, 1 - jump);
    if (a->ends[from] >= 0 && a->indent[to] > a->indent[from] && a->line[to] > a->ends[from])
        cost += a->out_of_scope_cost;
    return cost;
}

/* `forward` and `backward` [count]: the score of the best chain that ends or begins with each anchor; `previous`
 * [count]: the anchor before it in the former, -1 for none.
 */
void samebytes_sweeps(const Anchors *a, int64_t *forward, int64_t *previous, int64_t *backward) {
    for (int64_t to = 0; to < a->count; to++) {
        int64_t gain = 0;
        previous[to] = -1;
        for (int64_t from = 0; from < to && a->edit[from] < a->edit[to]; from++) {
            int64_t price = cost(a, from, to);
            if (price >= 0 && forward[from] - price > gain) gain = forward[from] - price, previous[to] = from;
        }
        forward[to] = a->weight[to] + gain;
    }
    for (int64_t from = a->count - 1; from >= 0; from--) {
        int64_t gain = 0;
        for (int64_t to = a->count - 1; to > from && a->edit[to] > a->edit[from]; to--) {
            int64_t price = cost(a, from, to);
            if (price >= 0 && backward[to] - price > gain) gain = backward[to] - price;
        }
        backward[from] = a->weight[from] + gain;
    }
}
