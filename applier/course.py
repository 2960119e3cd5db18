"""The proposal as arrays: what is allowed, expected and chosen at each of its tokens.

Most merges follow their proposal for long stretches. There the states of constraint and guide are known in
advance, and the decisions of a whole pass are a few operations over arrays instead of steps in the
interpreter; `decisions` takes single steps everywhere else. Both define the same choices, to the bit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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


class _Choices:
    """Choices at ascending positions. Most are among the same few sets of ids, which are kept once."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.expected: list[int] = []  # place of the proposal's id in its set
        self.which: list[int] = []  # the set of each choice
        self.sets: list[tuple[int, ...]] = []
        self._numbers: dict[int, int] = {}  # of a set, by its identity

    def add(self, position: int, allowed: tuple[int, ...], expected: int) -> None:
        """One more choice among ascending ids."""
        number = self._numbers.get(id(allowed))
        if number is None:
            number = self._numbers[id(allowed)] = len(self.sets)
            self.sets.append(allowed)
        self.positions.append(position)
        self.expected.append(bisect_left(allowed, expected))
        self.which.append(number)


class Course:
    """A proposal's `ids` with its end, as far as `constraint` allows them: `length` positions.

    `choices_ids` (int64) are `constraint.choices`.
    """

    def __init__(self, constraint: Constraint, guide: Guide) -> None:
        self.ids: list[int] = []
        self._constraint, self._guide = constraint, guide
        self._starts: list[int] = []  # of units
        self._gaps: list[int] = []  # owed before each unit
        choices = _Choices()
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
                choices.add(start, at_start, unit[0])
            for offset, ids in inside:
                choices.add(start + offset, ids, unit[offset])
            state = after if len(unit) == 1 else State(root, after.gaps)
        self.length = len(self.ids)
        self.choices_ids = np.array(constraint.choices, np.int64)
        self._choices = np.array(choices.positions, np.int64)
        self._expected = np.array(choices.expected, np.int64)  # its place among the allowed ids
        allowed = list(chain.from_iterable(choices.sets))
        self._columns = np.searchsorted(self.choices_ids, allowed)  # of all sets, one after the other
        sizes = np.array([len(ids) for ids in choices.sets], np.int64)
        which = np.array(choices.which, np.int64)
        self._sizes = sizes[which]
        self._begins = (np.cumsum(sizes) - sizes)[which]  # in `_columns`

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
        sizes = self._sizes[first:last]
        ends = np.cumsum(sizes)
        begins = ends - sizes
        columns = self._columns[np.arange(ends[-1]) + np.repeat(self._begins[first:last] - begins, sizes)]
        raw = logits[np.repeat(np.arange(last - first), sizes), columns]
        expected = begins + self._expected[first:last]
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
        token = int(self.choices_ids[columns[best[at]]])
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
        node = self._constraint.known.node(self._guide.units[unit][:offset])
        return State(node, self._gaps[unit]), Place(unit, offset)
