/* The alignment of `table.py` under many costs at once: the same integers, the same ties, the same steps.
 *
 * Rows are lines of the edit, columns are items of the window; a table holds five states of a column for
 * every row. `table.py` says what they mean and is what this file is tested against.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH, INSERT, DELETE, SKIP, KEEP, STATES };
enum { PERCENT = 100 };

static const int64_t LOW = -((int64_t)1 << 28);

#define COSTS(_)                                                                                              \
    _(match_base) _(letters_per_point) _(match_cap) _(match_common) _(match_sign) _(match_blank)              \
    _(other_indent) _(changed_floor) _(renamed_floor) _(changed_points) _(outer_percent) _(outer_changed)     \
    _(changed_head) _(run_bonus) _(insert) _(delete_open) _(delete_line) _(delete_blank) _(delete_letters)    \
    _(delete_said) _(skip_open) _(outside_open) _(inner_keep) _(idle_marker)
#define AS_FIELD(name) int64_t name;
#define AS_NAME(name) #name " "

typedef struct { COSTS(AS_FIELD) } Costs;

/* The names of the costs in their order, each with a space after it. */
const char *samebytes_align_costs(void) { return COSTS(AS_NAME); }

typedef struct {
    int64_t rows, columns;
    const uint8_t *elides, *silent, *outer;          /* [rows] */
    const int64_t *letters, *common;                 /* [rows] */
    const int64_t *deepest;                          /* [rows]: a marker keeps lines no deeper than this for free */
    const uint8_t *same, *same_indent, *similar, *same_head, *renamed;  /* [rows, columns] */
    const uint8_t *blank, *gap;                      /* [columns] */
    const int64_t *item_letters;                     /* [columns] */
    const int64_t *next_indent;                      /* [columns + 1] */
    int64_t end_deepest;                             /* as `deepest`, for what is kept after the last row */
} Scene;

typedef struct {
    const Scene *scene;
    const Costs *costs;
    int64_t width;                                   /* columns + 1 */
    int64_t *rows;                                   /* [rows + 1, STATES, width] */
    int64_t *scores;                                 /* [rows, columns] */
    int64_t *delete_sum, *work;                      /* [width] */
    int64_t changed[2][PERCENT + 1];                 /* points of a changed line, by `renamed` and `similar` */
} Table;

typedef struct { int32_t *at; int64_t count; } Steps; /* (state, row, column) one after the other, backwards */

static inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t floor_divide(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t *state_of(const Table *t, int64_t row, int state) {
    return t->rows + (row * STATES + state) * t->width;
}

static int64_t best_at(const Table *t, int64_t row, int64_t column) {
    int64_t best = state_of(t, row, 0)[column];
    for (int state = 1; state < STATES; state++) best = max(best, state_of(t, row, state)[column]);
    return best;
}

/* `best_at` every column. */
static void best_of_row(const Table *t, int64_t row, int64_t *restrict best) {
    const int64_t *restrict match = state_of(t, row, MATCH), *restrict insert = state_of(t, row, INSERT);
    const int64_t *restrict gone = state_of(t, row, DELETE), *restrict skip = state_of(t, row, SKIP);
    const int64_t *restrict keep = state_of(t, row, KEEP);
    for (int64_t column = 0, width = t->width; column < width; column++)
        best[column] = max(max(max(match[column], insert[column]), max(gone[column], skip[column])), keep[column]);
}

/* The first of the first `states` states that is best at a column. */
static int argbest(const Table *t, int64_t row, int64_t column, int states) {
    int best = 0;
    for (int state = 1; state < states; state++)
        if (state_of(t, row, state)[column] > state_of(t, row, best)[column]) best = state;
    return best;
}

static int64_t last_argmax(const int64_t *values, int64_t count) {
    int64_t best = count - 1;
    for (int64_t i = count - 2; i >= 0; i--)
        if (values[i] > values[best]) best = i;
    return best;
}

static void price_changes(Table *t) {
    const Costs *c = t->costs;
    for (int renamed = 0; renamed < 2; renamed++) {
        int64_t floor = renamed ? c->renamed_floor - c->changed_floor : 0;
        for (int64_t similar = 0; similar <= PERCENT; similar++) {
            int64_t above = similar - c->changed_floor;
            int taken = similar && above >= floor;
            t->changed[renamed][similar] = taken ? 1 + floor_divide(c->changed_points * above, 100) : LOW;
        }
    }
}

static void score_row(const Table *t, int64_t row) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    int64_t first = row * s->columns, letters = s->letters[row], head = c->changed_head, value, moved;
    const uint8_t *similar = s->similar + first, *renamed = s->renamed + first, *same = s->same + first;
    const uint8_t *same_head = s->same_head + first, *same_indent = s->same_indent + first;
    int64_t *restrict scores = t->scores + first;
    if (letters == 0) value = c->match_sign;
    else if (letters < 0) value = c->match_blank;
    else {
        value = min(c->match_base + floor_divide(letters, c->letters_per_point), c->match_cap);
        value -= c->match_common * min(max(s->common[row] - 1, 0), 4);
    }
    moved = letters < 0 ? value : max(1, value - c->other_indent);
    for (int64_t column = 0; column < s->columns; column++) {
        int64_t points = t->changed[renamed[column]][similar[column]];
        points = same_head[column] ? max(points, head) : points;
        points = same[column] ? (same_indent[column] ? value : moved) : points;
        scores[column] = s->gap[column] ? LOW : points;
    }
    if (s->outer[row])
        for (int64_t column = 0; column < s->columns; column++)
            if (scores[column] > 0 && (same[column] || c->outer_changed))
                scores[column] = floor_divide(scores[column] * c->outer_percent, 100);
}

static void fill_low(int64_t *restrict at, int64_t count) {
    for (int64_t i = 0; i < count; i++) at[i] = LOW;
}

static int64_t entry_price(const Table *t, int64_t row, int64_t column) {
    return t->scene->next_indent[column] > t->scene->deepest[row] ? t->costs->inner_keep : 0;
}

static void fill_marker(const Table *t, int64_t row) {
    int64_t *restrict keep = state_of(t, row + 1, KEEP), *restrict best = t->work, highest = 0;
    fill_low(state_of(t, row + 1, 0), KEEP * t->width);
    best_of_row(t, row, best);
    for (int64_t column = 0; column < t->width; column++) {
        int64_t entry = best[column] - entry_price(t, row, column);
        keep[column] = entry - t->costs->idle_marker;
        if (column) keep[column] = max(keep[column], highest);
        highest = column ? max(highest, entry) : entry;
    }
}

static void fill_line(const Table *t, int64_t row) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    const int64_t *restrict before = state_of(t, row, MATCH), *restrict scores = t->scores + row * s->columns;
    const int64_t *restrict sum = t->delete_sum;
    int64_t *restrict match = state_of(t, row + 1, MATCH), *restrict insert = state_of(t, row + 1, INSERT);
    int64_t *restrict delete = state_of(t, row + 1, DELETE), *restrict skip = state_of(t, row + 1, SKIP);
    int64_t *restrict best = t->work, width = t->width, columns = s->columns;
    int64_t open = c->delete_open, run = c->run_bonus, skip_open = c->skip_open, price = c->insert, opened, left;
    best_of_row(t, row, best);
    fill_low(state_of(t, row + 1, KEEP), width);
    match[0] = delete[0] = skip[0] = LOW;
    if (s->silent[row]) {
        fill_low(match, width);
        memcpy(insert, best, sizeof *best * width);
        open = -c->delete_said;
    } else {
        for (int64_t column = 0; column < columns; column++)
            match[column + 1] = max(best[column], before[column] + run) + scores[column];
        for (int64_t column = 0; column < width; column++) insert[column] = best[column] - price;
        if (columns && s->gap[0]) insert[0] = LOW;
        if (columns && s->gap[columns - 1]) insert[columns] = LOW;
    }
    opened = max(match[0], insert[0]) - open + sum[0];
    left = max(max(match[0], insert[0]), delete[0]) - skip_open;
    for (int64_t column = 1; column < width; column++) {
        int64_t shown = max(match[column], insert[column]);
        delete[column] = opened - sum[column];
        skip[column] = left;
        left = max(left, max(shown, delete[column]) - skip_open);
        opened = max(opened, shown - open + sum[column]);
    }
}

static void fill(Table *t) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    fill_low(state_of(t, 0, 0), KEEP * t->width);
    int64_t *start = state_of(t, 0, KEEP), outside = s->rows && s->elides[0] ? 0 : -c->outside_open;
    for (int64_t column = 0; column < t->width; column++) start[column] = column ? outside : 0;
    t->delete_sum[0] = 0;
    for (int64_t column = 0; column < s->columns; column++) {
        int64_t price = c->delete_line + floor_divide(c->delete_letters * min(s->item_letters[column], 32), 16);
        if (s->blank[column]) price = c->delete_blank;
        if (s->gap[column]) price = -LOW >> 8;
        t->delete_sum[column + 1] = t->delete_sum[column] + price;
    }
    price_changes(t);
    for (int64_t row = 0; row < s->rows; row++) {
        score_row(t, row);
        if (s->elides[row]) fill_marker(t, row);
        else fill_line(t, row);
    }
}

static void step(Steps *steps, int state, int64_t row, int64_t column) {
    int32_t *at = steps->at + 3 * steps->count++;
    at[0] = state, at[1] = (int32_t)row, at[2] = (int32_t)column;
}

static void steps_down(Steps *steps, int state, int64_t from, int64_t to) {
    for (int64_t column = from - 1; column >= to; column--) step(steps, state, -1, column);
}

/* For every column, the score of stopping there and keeping the rest. */
static int64_t best_end(const Table *t) {
    const Scene *s = t->scene;
    int64_t *end = t->work;
    if (s->rows && s->elides[s->rows - 1]) return last_argmax(state_of(t, s->rows, KEEP), t->width);
    for (int64_t column = 0; column < t->width; column++) {
        end[column] = best_at(t, s->rows, column) - t->costs->outside_open;
        if (s->rows && s->next_indent[column] > s->end_deepest) end[column] -= t->costs->inner_keep;
    }
    end[s->columns] = best_at(t, s->rows, s->columns);
    return last_argmax(end, t->width);
}

/* Walks back from the best end. 1 where a walk leads out of the table, which no sensible costs do. */
static int trace(const Table *t, Steps *steps) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    int64_t column = best_end(t), row = s->rows, start;
    steps_down(steps, KEEP, s->columns, column);
    int state = argbest(t, row, column, STATES);
    if (row && s->elides[row - 1]) state = KEEP;
    while (row > 0) {
        if (column == 0 && state != INSERT && state != KEEP) return 1;
        if (state == MATCH) {
            step(steps, MATCH, row - 1, column - 1);
            int64_t target = state_of(t, row, MATCH)[column] - t->scores[(row - 1) * s->columns + column - 1];
            row--, column--;
            if (state_of(t, row, MATCH)[column] + c->run_bonus == target) state = MATCH;
            else state = argbest(t, row, column, STATES);
        } else if (state == INSERT) {
            if (!s->silent[row - 1]) step(steps, INSERT, row - 1, -1);
            state = argbest(t, --row, column, STATES);
        } else if (state == KEEP) {
            row--;
            for (int64_t i = 0; i <= column; i++) t->work[i] = best_at(t, row, i) - entry_price(t, row, i);
            t->work[column] -= c->idle_marker;
            start = last_argmax(t->work, column + 1);
            steps_down(steps, KEEP, column, start);
            column = start, state = argbest(t, row, column, STATES);
        } else {
            const int64_t *match = state_of(t, row, MATCH), *insert = state_of(t, row, INSERT);
            const int64_t *gone = state_of(t, row, DELETE);
            for (int64_t i = 0; i < column; i++) {
                int64_t shown = max(match[i], insert[i]);
                t->work[i] = state == DELETE ? shown + t->delete_sum[i] : max(shown, gone[i]);
            }
            start = last_argmax(t->work, column);
            steps_down(steps, state, column, start);
            if (state == DELETE) state = match[start] >= insert[start] ? MATCH : INSERT;
            else state = argbest(t, row, start, SKIP);
            column = start;
        }
        if (steps->count > s->rows + s->columns) return 1;
    }
    steps_down(steps, KEEP, column, 0);
    return 0;
}

/* Aligns under each of `settings` costs [settings]: steps int32 [settings, rows + columns, 3], -1 for none, in
 * order, and how many [settings]. 0, or 1 where there is no memory or a walk leads out of the table.
 */
int samebytes_align(const Scene *s, const Costs *costs, int64_t settings, int32_t *steps, int64_t *counts) {
    int64_t width = s->columns + 1, cells = (s->rows + 1) * STATES * width, most = s->rows + s->columns;
    int64_t *memory = malloc(sizeof *memory * (cells + s->rows * s->columns + 2 * width));
    int failed = memory == NULL;
    for (int64_t number = 0; number < settings && !failed; number++) {
        int64_t *scores = memory + cells, *sums = scores + s->rows * s->columns;
        Table table = {s, costs + number, width, memory, scores, sums, sums + width, {{0}}};
        Steps found = {steps + 3 * most * number, 0};
        fill(&table);
        failed = trace(&table, &found);
        for (int64_t i = 0, j = found.count - 1; i < j; i++, j--) {
            int32_t swap[3];
            memcpy(swap, found.at + 3 * i, sizeof swap);
            memcpy(found.at + 3 * i, found.at + 3 * j, sizeof swap);
            memcpy(found.at + 3 * j, swap, sizeof swap);
        }
        counts[number] = found.count;
    }
    free(memory);
    return failed;
}
