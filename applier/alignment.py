"""Aligning the lines of an edit with the lines of a window: an affine dynamic programme with marker states.

Rows are lines of the edit, columns are items of the window. Five states say what the last step was:

- MATCH: the edit's line is the window's line, the same or changed;
- INSERT: the edit's line is new;
- DELETE: the window's line is gone, because the lines around it stand side by side in the edit;
- SKIP: the window's line stays although no marker says so (a marker was forgotten), at a price;
- KEEP: the window's line stays under a marker, or outside of what the edit shows, for free.

Gaps can only be kept. Scores are integers. A row is a handful of numpy operations on the columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from .anchors import indent_of
from .window import GAP, Item

MATCH, INSERT, DELETE, SKIP, KEEP = range(5)
_STATES = 5
_LOW = -(1 << 28)
_HEAD = re.compile(
    r"(?:(?:const|let|var|val|final|static|public|private)\s+)*[\w.$\"'-]+\s*(?:=(?![=>])|:(?!:))|return\b"
)


@dataclass(frozen=True, slots=True)
class Costs:
    """Weights of the alignment, tuned on mined edits of training repositories."""

    match_base: int = 10  # a line of letters that is the same, plus one for each `letters_per_point`
    letters_per_point: int = 4
    match_cap: int = 18
    match_sign: int = 4  # a line of brackets only
    match_blank: int = 0
    other_indent: int = 6  # taken off when the indentation differs
    changed_floor: int = 56  # similarity in % from which a line may be a changed line
    changed_points: int = 3  # of a changed line, per 100 % of similarity above the floor
    outer_percent: int = 250  # of the points, for the outer lines of a chunk: those are context
    changed_head: int = 1  # the same name before `=` or `:`, or another `return`
    run_bonus: int = 0  # a match right after a match
    insert: int = 0
    delete_open: int = 5
    delete_line: int = 2
    delete_blank: int = 1
    skip_open: int = 45
    outside_open: int = 0  # keeping lines before the first or after the last chunk with no marker there
    inner_keep: int = 4  # a marker that would keep lines deeper than itself


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alignment: `row` of the edit and `column` of the window, None where it has none."""

    state: int
    row: int | None
    column: int | None


def align_lines(
    items: Sequence[Item],
    edit: Sequence[str],
    elides: Sequence[bool],
    silent: Sequence[bool],
    costs: Costs,
) -> list[Step]:
    """The best alignment as steps in order.

    `elides` says which lines of the edit are markers, `silent` which stand for nothing at all (comments on a
    deletion).
    """
    table = _Table(items, edit, elides, silent, costs)
    return table.trace()


class _Table:
    def __init__(
        self,
        items: Sequence[Item],
        edit: Sequence[str],
        elides: Sequence[bool],
        silent: Sequence[bool],
        costs: Costs,
    ) -> None:
        self.costs, self.elides, self.silent = costs, elides, silent
        self.items, self.edit = items, edit
        self.columns = len(items)
        self.scores = _scores(items, edit, costs)
        for row in outer_rows(edit, elides):
            points = self.scores[row]
            self.scores[row] = np.where(points > 0, points * costs.outer_percent // 100, points)
        blank = np.array([item is not GAP and not item.strip() for item in items], dtype=bool)
        gap = np.array([item is GAP for item in items], dtype=bool)
        price = np.where(blank, costs.delete_blank, costs.delete_line)
        self.delete_sum = np.concatenate([[0], np.cumsum(np.where(gap, -_LOW >> 8, price))])
        self.next_indent = _next_indents(items)
        self.rows = np.full((len(edit) + 1, _STATES, self.columns + 1), _LOW, dtype=np.int64)
        self._fill()

    def _fill(self) -> None:
        start = self.rows[0]
        start[KEEP] = -self.costs.outside_open
        start[KEEP, 0] = 0
        if self.elides and self.elides[0]:
            start[KEEP] = 0
        for row in range(len(self.edit)):
            before, after = self.rows[row], self.rows[row + 1]
            best = before.max(axis=0)
            if self.elides[row]:
                after[KEEP] = np.maximum.accumulate(best - self._entry_price(row))
                continue
            if self.silent[row]:
                after[INSERT] = best
            else:
                run = before[MATCH, :-1] + self.costs.run_bonus
                after[MATCH, 1:] = np.maximum(best[:-1], run) + self.scores[row]
                after[INSERT] = best - self.costs.insert
                self._close_outer_gaps(after)
            self._within_row(after)

    def _close_outer_gaps(self, row: np.ndarray) -> None:
        """Nothing is written before a gap that opens the window, nor after one that closes it."""
        if self.items and self.items[0] is GAP:
            row[INSERT, 0] = _LOW
        if self.items and self.items[-1] is GAP:
            row[INSERT, -1] = _LOW

    def _within_row(self, row: np.ndarray) -> None:
        shown = np.maximum(row[MATCH], row[INSERT])
        opened = np.maximum.accumulate(shown - self.costs.delete_open + self.delete_sum)
        row[DELETE, 1:] = opened[:-1] - self.delete_sum[1:]
        left = np.maximum.accumulate(np.maximum(shown, row[DELETE]) - self.costs.skip_open)
        row[SKIP, 1:] = left[:-1]

    def _entry_price(self, row: int) -> np.ndarray:
        """The price of starting to keep at each column: a marker elides lines no deeper than it stands."""
        above = next((line for line in reversed(self.edit[:row]) if line.strip()), None)
        below = next((line for line in self.edit[row + 1 :] if line.strip()), "")
        indent = indent_of(self.edit[row])
        if above is None or indent_of(above) <= indent or indent_of(below) > indent:
            return np.zeros(self.columns + 1, dtype=np.int64)
        return self.costs.inner_keep * (self.next_indent > indent)

    def _finish(self) -> np.ndarray:
        """For every column, the score of stopping there and keeping the rest."""
        final = self.rows[-1]
        if self.elides and self.elides[-1]:
            return final[KEEP]
        end = final.max(axis=0) - self.costs.outside_open
        if self.edit:
            last = max((row for row, elided in enumerate(self.elides) if elided), default=-1)
            shown = [indent_of(line) for line in self.edit[last + 1 :] if line.strip()]
            floor = min(shown, default=0)
            body = len(shown) > 1 and shown[-1] > floor
            end = end - self.costs.inner_keep * (self.next_indent > floor) * body
        end[-1] = final[:, -1].max()
        return end

    def trace(self) -> list[Step]:
        """Walks back from the best end; ties prefer the earlier state and the later column."""
        end = self._finish()
        column = len(end) - 1 - int(end[::-1].argmax())
        steps = [Step(KEEP, None, c) for c in range(self.columns - 1, column - 1, -1)]
        row = len(self.edit)
        state = int(self.rows[row, :, column].argmax())
        if row and self.elides[row - 1]:
            state = KEEP
        while row > 0:
            row, column, state = self._back(row, column, state, steps)
        steps.extend(Step(KEEP, None, c) for c in range(column - 1, -1, -1))
        return steps[::-1]

    def _back(self, row: int, column: int, state: int, steps: list[Step]) -> tuple[int, int, int]:
        here, before = self.rows[row], self.rows[row - 1]
        costs = self.costs
        if state == MATCH:
            steps.append(Step(MATCH, row - 1, column - 1))
            target = here[MATCH, column] - self.scores[row - 1, column - 1]
            if before[MATCH, column - 1] + costs.run_bonus == target:
                return row - 1, column - 1, MATCH
            return row - 1, column - 1, int(before[:, column - 1].argmax())
        if state == INSERT:
            if not self.silent[row - 1]:
                steps.append(Step(INSERT, row - 1, None))
            return row - 1, column, int(before[:, column].argmax())
        if state == KEEP:
            entry = before.max(axis=0)[: column + 1] - self._entry_price(row - 1)[: column + 1]
            start = len(entry) - 1 - int(entry[::-1].argmax())
            steps.extend(Step(KEEP, None, c) for c in range(column - 1, start - 1, -1))
            return row - 1, start, int(before[:, start].argmax())
        if state == DELETE:
            shown = np.maximum(here[MATCH], here[INSERT])[:column] + self.delete_sum[:column]
            start = len(shown) - 1 - int(shown[::-1].argmax())
            steps.extend(Step(DELETE, None, c) for c in range(column - 1, start - 1, -1))
            return row, start, MATCH if here[MATCH, start] >= here[INSERT, start] else INSERT
        source = np.maximum(np.maximum(here[MATCH], here[INSERT]), here[DELETE])[:column]
        start = len(source) - 1 - int(source[::-1].argmax())
        steps.extend(Step(SKIP, None, c) for c in range(column - 1, start - 1, -1))
        return row, start, int(here[:SKIP, start].argmax())


def outer_rows(edit: Sequence[str], elides: Sequence[bool]) -> list[int]:
    """The first and the last line of every chunk, blank lines aside."""
    rows: list[int] = []
    chunk: list[int] = []
    for row, line in enumerate([*edit, ""]):
        if row == len(edit) or elides[row]:
            rows += sorted({chunk[0], chunk[-1]}) if chunk else []
            chunk = []
        elif line.strip():
            chunk.append(row)
    return rows


def _head(text: str) -> str:
    """What an assignment or a return keeps when its value changes; empty for other lines."""
    found = _HEAD.match(text)
    return found[0] if found else ""


def _next_indents(items: Sequence[Item]) -> np.ndarray:
    """For every column, the indentation of the first line from there on; -1 at a gap and at the end."""
    out = [-1] * (len(items) + 1)
    for column in range(len(items) - 1, -1, -1):
        item = items[column]
        if item is GAP:
            out[column] = -1
        else:
            out[column] = indent_of(item) if item.strip() else out[column + 1]
    return np.array(out)


def _scores(items: Sequence[Item], edit: Sequence[str], costs: Costs) -> np.ndarray:
    """int64 [edit, items]: points of a match; prohibitive where the lines cannot be the same line."""
    scores = np.full((len(edit), len(items)), _LOW, dtype=np.int64)
    if not edit or not items:
        return scores
    ours = [line.strip() for line in edit]
    theirs = ["" if item is GAP else item.strip() for item in items]
    similar = process.cdist(ours, theirs, scorer=fuzz.ratio, score_cutoff=costs.changed_floor, dtype=np.uint8)
    for row, column in zip(*np.nonzero(similar), strict=True):
        points = int(similar[row, column]) - costs.changed_floor
        scores[row, column] = 1 + costs.changed_points * points // 100
    heads: dict[str, list[int]] = {}
    for column, text in enumerate(theirs):
        if head := _head(text):
            heads.setdefault(head, []).append(column)
    for row, text in enumerate(ours):
        for column in heads.get(_head(text), ()):
            scores[row, column] = max(scores[row, column], costs.changed_head)
    places: dict[str, list[int]] = {}
    for column, text in enumerate(theirs):
        if items[column] is not GAP:
            places.setdefault(text, []).append(column)
    for row, text in enumerate(ours):
        columns = places.get(text)
        if columns is None:
            continue
        letters = sum(map(str.isalnum, text))
        value = min(costs.match_base + letters // costs.letters_per_point, costs.match_cap)
        if not letters:
            value = costs.match_sign if text else costs.match_blank
        for column in columns:
            same = (items[column] or "").rstrip() == edit[row].rstrip()
            scores[row, column] = value if same or not text else max(1, value - costs.other_indent)
    for column, item in enumerate(items):
        if item is GAP:
            scores[:, column] = _LOW
    return scores
