/* The alignment of `table.py` under many costs at once: the same integers, the same ties, the same steps.
 *
 * Rows are lines of the edit, columns are items of the window; a table holds five states of a column for
 * every row. `table.py` says what they mean and is what this file is tested against.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH, INSERT, DELETE, SKIP, KEEP, STATES };

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

static void score_row(const Table *t, int64_t row) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    int64_t letters = s->letters[row], value, moved;
    if (letters == 0) value = c->match_sign;
    else if (letters < 0) value = c->match_blank;
    else {
        value = min(c->match_base + floor_divide(letters, c->letters_per_point), c->match_cap);
        value -= c->match_common * min(max(s->common[row] - 1, 0), 4);
    }
    moved = letters < 0 ? value : max(1, value - c->other_indent);
    for (int64_t column = 0; column < s->columns; column++) {
        int64_t at = row * s->columns + column, points = LOW;
        if (s->gap[column]) {
            t->scores[at] = LOW;
            continue;
        }
        int64_t above = (int64_t)s->similar[at] - c->changed_floor;
        int64_t floor = s->renamed[at] ? c->renamed_floor - c->changed_floor : 0;
        if (s->similar[at] && above >= floor) points = 1 + floor_divide(c->changed_points * above, 100);
        if (s->same_head[at]) points = max(points, c->changed_head);
        if (s->same[at]) points = s->same_indent[at] ? value : moved;
        if (s->outer[row] && points > 0 && (s->same[at] || c->outer_changed))
            points = floor_divide(points * c->outer_percent, 100);
        t->scores[at] = points;
    }
}

static int64_t entry_price(const Table *t, int64_t row, int64_t column) {
    return t->scene->next_indent[column] > t->scene->deepest[row] ? t->costs->inner_keep : 0;
}

static void fill_marker(const Table *t, int64_t row) {
    int64_t *keep = state_of(t, row + 1, KEEP), highest = 0;
    for (int64_t column = 0; column < t->width; column++) {
        int64_t entry = best_at(t, row, column) - entry_price(t, row, column);
        keep[column] = entry - t->costs->idle_marker;
        if (column) keep[column] = max(keep[column], highest);
        highest = column ? max(highest, entry) : entry;
    }
}

static void fill_line(const Table *t, int64_t row) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    const int64_t *before = state_of(t, row, MATCH), *scores = t->scores + row * s->columns;
    int64_t *match = state_of(t, row + 1, MATCH), *insert = state_of(t, row + 1, INSERT);
    int64_t *delete = state_of(t, row + 1, DELETE), *skip = state_of(t, row + 1, SKIP);
    int64_t *best = t->work, open = c->delete_open, opened = 0, left = 0;
    for (int64_t column = 0; column < t->width; column++) best[column] = best_at(t, row, column);
    if (s->silent[row]) {
        memcpy(insert, best, sizeof *best * t->width);
        open = -c->delete_said;
    } else {
        for (int64_t column = 0; column < s->columns; column++)
            match[column + 1] = max(best[column], before[column] + c->run_bonus) + scores[column];
        for (int64_t column = 0; column < t->width; column++) insert[column] = best[column] - c->insert;
        if (s->columns && s->gap[0]) insert[0] = LOW;
        if (s->columns && s->gap[s->columns - 1]) insert[s->columns] = LOW;
    }
    for (int64_t column = 0; column < t->width; column++) {
        int64_t shown = max(match[column], insert[column]);
        if (column) {
            delete[column] = opened - t->delete_sum[column];
            skip[column] = left;
        }
        int64_t here = shown - open + t->delete_sum[column];
        int64_t source = max(shown, delete[column]) - c->skip_open;
        opened = column ? max(opened, here) : here;
        left = column ? max(left, source) : source;
    }
}

static void fill(const Table *t) {
    const Scene *s = t->scene;
    const Costs *c = t->costs;
    for (int64_t i = 0; i < (s->rows + 1) * STATES * t->width; i++) t->rows[i] = LOW;
    int64_t *start = state_of(t, 0, KEEP), outside = s->rows && s->elides[0] ? 0 : -c->outside_open;
    for (int64_t column = 0; column < t->width; column++) start[column] = column ? outside : 0;
    t->delete_sum[0] = 0;
    for (int64_t column = 0; column < s->columns; column++) {
        int64_t price = c->delete_line + floor_divide(c->delete_letters * min(s->item_letters[column], 32), 16);
        if (s->blank[column]) price = c->delete_blank;
        if (s->gap[column]) price = -LOW >> 8;
        t->delete_sum[column + 1] = t->delete_sum[column] + price;
    }
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
        Table table = {s, costs + number, width, memory, scores, sums, sums + width};
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
