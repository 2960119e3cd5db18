"""Aligning the lines of an edit with the lines of a window: an affine dynamic programme with marker states.

Rows are lines of the edit, columns are items of the window. Five states say what the last step was:

- MATCH: the edit's line is the window's line, the same or changed;
- INSERT: the edit's line is new;
- DELETE: the window's line is gone, because the lines around it stand side by side in the edit;
- SKIP: the window's line stays although no marker says so (a marker was forgotten), at a price;
- KEEP: the window's line stays under a marker, or outside of what the edit shows, for free.

Gaps can only be kept. Scores are integers. A row is a handful of numpy operations on the columns.

This is the definition, and the way for machines without a C compiler; `compiled` gives the same steps sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..text.indentation import indent_of
from ..text.window import GAP, Item
from .costs import Costs
from .input import Scene
from .similarity import LOW, Likeness

MATCH, INSERT, DELETE, SKIP, KEEP = range(5)
_STATES = 5
ANY_DEPTH = 1 << 40


class Step(NamedTuple):
    """One step of an alignment: `row` of the edit and `column` of the window, None where it has none."""

    state: int
    row: int | None
    column: int | None


new_step: Callable[[tuple[int, int | None, int | None]], Step] = partial(tuple.__new__, Step)  # sooner


def align_lines(scene: Scene, likeness: Likeness, costs: Costs) -> list[Step]:
    """The best alignment under some costs, as steps in order."""
    return _Table(scene, likeness, costs).trace()


class _Table:
    def __init__(self, scene: Scene, likeness: Likeness, costs: Costs) -> None:
        self.scene, self.items, self.edit = scene, scene.items, scene.edit
        self.elides, self.silent = scene.elides, scene.silent
        self.costs = costs
        self.columns = len(self.items)
        self.scores = likeness.points(costs)
        for row in scene.outer_rows():
            points = self.scores[row]
            outer = (points > 0) & (likeness.same[row] | costs.outer_changed)
            self.scores[row] = np.where(outer, points * costs.outer_percent // 100, points)
        letters = np.minimum(likeness.item_letters, 32)
        price = costs.delete_line + costs.delete_letters * letters // 16
        price = np.where(likeness.blank, costs.delete_blank, price)
        self.delete_sum = np.concatenate([[0], np.cumsum(np.where(likeness.gap, -LOW >> 8, price))])
        self.next_indent = next_indents(self.items)
        self.rows = np.full((len(self.edit) + 1, _STATES, self.columns + 1), LOW, dtype=np.int64)
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
                entry = best - self._entry_price(row)
                after[KEEP] = entry - self.costs.idle_marker
                after[KEEP, 1:] = np.maximum(after[KEEP, 1:], np.maximum.accumulate(entry)[:-1])
                continue
            if self.silent[row]:
                after[INSERT] = best
            else:
                run = before[MATCH, :-1] + self.costs.run_bonus
                after[MATCH, 1:] = np.maximum(best[:-1], run) + self.scores[row]
                after[INSERT] = best - self.costs.insert
                self._close_outer_gaps(after)
            self._within_row(after, -self.costs.delete_said if self.silent[row] else self.costs.delete_open)

    def _close_outer_gaps(self, row: np.ndarray) -> None:
        """Nothing is written before a gap that opens the window, nor after one that closes it."""
        if self.items and self.items[0] is GAP:
            row[INSERT, 0] = LOW
        if self.items and self.items[-1] is GAP:
            row[INSERT, -1] = LOW

    def _within_row(self, row: np.ndarray, delete_open: int) -> None:
        shown = np.maximum(row[MATCH], row[INSERT])
        opened = np.maximum.accumulate(shown - delete_open + self.delete_sum)
        row[DELETE, 1:] = opened[:-1] - self.delete_sum[1:]
        left = np.maximum.accumulate(np.maximum(shown, row[DELETE]) - self.costs.skip_open)
        row[SKIP, 1:] = left[:-1]

    def _entry_price(self, row: int) -> np.ndarray:
        """The price of starting to keep at each column."""
        return self.costs.inner_keep * (self.next_indent > marker_depth(self.scene, row))

    def _finish(self) -> np.ndarray:
        """For every column, the score of stopping there and keeping the rest."""
        final = self.rows[-1]
        if self.elides and self.elides[-1]:
            return final[KEEP]
        end = final.max(axis=0) - self.costs.outside_open
        if self.edit:
            end = end - self.costs.inner_keep * (self.next_indent > end_depth(self.scene))
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
            entry[column] -= self.costs.idle_marker
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


def marker_depth(scene: Scene, row: int) -> int:
    """The depth of lines down to which the marker at `row` keeps for free: as deep as it stands where it ends
    a deeper part, any depth elsewhere.
    """
    above = next((line for line in reversed(scene.edit[:row]) if line.strip()), None)
    below = next((line for line in scene.edit[row + 1 :] if line.strip()), "")
    indent = indent_of(scene.edit[row])
    if above is None or indent_of(above) <= indent or indent_of(below) > indent:
        return ANY_DEPTH
    return indent


def end_depth(scene: Scene) -> int:
    """The same for what is kept after the last line of an edit that does not end with a marker."""
    last = max((row for row, elided in enumerate(scene.elides) if elided), default=-1)
    shown = [indent_of(line) for line in scene.edit[last + 1 :] if line.strip()]
    floor = min(shown, default=0)
    return floor if len(shown) > 1 and shown[-1] > floor else ANY_DEPTH


def next_indents(items: Sequence[Item]) -> np.ndarray:
    """For every column, the indentation of the first line from there on; -1 at a gap and at the end."""
    out = [-1] * (len(items) + 1)
    for column in range(len(items) - 1, -1, -1):
        item = items[column]
        if item is GAP:
            out[column] = -1
        else:
            out[column] = indent_of(item) if item.strip() else out[column + 1]
    return np.array(out, dtype=np.int64)
