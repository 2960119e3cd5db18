"""The proposal as arrays: what is allowed, expected and chosen at each of its tokens.

Most merges follow their proposal for long stretches. There the states of constraint and guide are known in
advance, and the decisions of a whole pass are a few operations over arrays instead of steps in the
interpreter; `decisions` takes single steps everywhere else. Both define the same choices, to the bit.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain
from typing import NamedTuple

import numpy as np

from .constrain import Constraint, State
from .guide import Guide, Place


class Taken(NamedTuple):
    """The tokens of a stretch, and of its choices up to the last token what is to be remembered."""

    tokens: list[int]
    logits: np.ndarray  # float32, the allowed logits of every choice one after the other
    margins: np.ndarray  # float32 [choices]
    positions: np.ndarray  # of the choices
    departure: float  # by how much the last choice left the proposal


class Course:
    """A proposal's `ids` with its end, as far as `constraint` allows them: `length` positions."""

    def __init__(self, constraint: Constraint, guide: Guide) -> None:
        self.ids: list[int] = []
        self._known, self._units = constraint.known, guide.units
        self._starts: list[int] = []  # of units
        self._gaps: list[int] = []  # owed before each unit
        positions: list[int] = []
        allowed: list[tuple[int, ...]] = []  # at each of the positions
        root, state = constraint.known.root, constraint.start
        for unit in guide.units:
            at_start, start = constraint.allowed(state), len(self.ids)
            after = constraint.follow(state, unit[0])
            inside = constraint.known.branches(unit) if len(unit) > 1 else []
            if after is None or inside is None:
                break
            self._starts.append(start)
            self._gaps.append(state.gaps)
            self.ids += unit
            if len(at_start) > 1:
                positions.append(start)
                allowed.append(at_start)
            for offset, ids in inside:
                positions.append(start + offset)
                allowed.append(ids)
            state = after if len(unit) == 1 else State(root, after.gaps)
        self.length = len(self.ids)
        self._choices = np.array(positions, np.int64)
        sizes = np.fromiter(map(len, allowed), np.int64, len(allowed))
        self._offsets = np.concatenate(([0], np.cumsum(sizes)))
        self._allowed = np.fromiter(chain.from_iterable(allowed), np.int64, int(self._offsets[-1]))
        self._columns = np.searchsorted(np.asarray(constraint.choices), self._allowed)
        expected = np.repeat(np.asarray(self.ids, np.int64)[self._choices], sizes)
        self._expected = np.flatnonzero(self._allowed == expected)  # one for each choice

    def choices(self, start: int, stop: int) -> np.ndarray:
        """The positions from `start` to `stop` whose logits are needed."""
        first, last = np.searchsorted(self._choices, (start, stop))
        return self._choices[first:last]

    def take(self, start: int, stop: int, logits: np.ndarray, bias: np.float32) -> Taken:
        """The tokens from `start` on, up to `stop` or to the first that is not the proposal's.

        `logits` float32 [choices, ids] as `choices` asked for.
        """
        first, last = np.searchsorted(self._choices, (start, stop))
        if first == last:
            none = np.empty(0, np.float32)
            return Taken(self.ids[start:stop], none, none, self._choices[:0], 0.0)
        low, high = self._offsets[first], self._offsets[last]
        begins = self._offsets[first:last] - low
        sizes = np.diff(self._offsets[first : last + 1])
        raw = logits[np.repeat(np.arange(last - first), sizes), self._columns[low:high]]
        expected = self._expected[first:last] - low
        values = raw.copy()
        values[expected] += bias
        highest = np.maximum.reduceat(values, begins)
        equal = np.flatnonzero(values == np.repeat(highest, sizes))
        best = equal[np.searchsorted(equal, begins)]  # the first of equals: the lowest id
        values[best] = -np.inf
        margins = highest - np.maximum.reduceat(values, begins)
        wrong = np.flatnonzero(best != expected)
        if not len(wrong):
            return Taken(self.ids[start:stop], raw, margins, self._choices[first:last], 0.0)
        at = int(wrong[0])
        position = int(self._choices[first + at])
        token = int(self._allowed[low + best[at]])
        return Taken(
            [*self.ids[start:position], token],
            raw[: begins[at] + sizes[at]],
            margins[: at + 1],
            self._choices[first : first + at + 1],
            float(raw[best[at]] - raw[expected[at]]),
        )

    def state(self, position: int) -> tuple[State, Place]:
        """Where constraint and guide stand before the token at `position`."""
        unit = bisect_right(self._starts, position) - 1
        offset = position - self._starts[unit]
        node = self._known.node(self._units[unit][:offset])
        return State(node, self._gaps[unit]), Place(unit, offset)
