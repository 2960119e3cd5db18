"""The baseline's proposal as a prior: while what is written follows it, its next token gets a head start.

Alignment and model err in different places. The model departs from the proposal only where it prefers
another token by more than the bias, which is calibrated with the model. The place in the proposal is a
function of what has been written alone: it is lost at the first other token, and found again at the end of
a line, where the last two lines (or a line that the proposal has once) stand further down.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..text.window import GAP, Item
from .constraint import Constraint, State
from .deferred import Deferred
from .prompt import PromptCodec

Unit = tuple[int, ...]  # the ids of a line, of a gap, or of the end


class Place(NamedTuple):
    """On the proposal: unit `at` and the `offset` in it. Off it (`at` < 0): the ids of the line begun."""

    at: int
    offset: int = 0
    begun: Unit = ()
    last: Unit | None = None  # the line before, off the proposal
    floor: int = 0  # where the proposal was left


class Guide(Deferred):
    """Follows a merged window along a proposal, id by id."""

    def __init__(self, codec: PromptCodec, proposal: Sequence[Item]) -> None:
        self._codec = codec
        self.units: list[Unit] = [
            (codec.gap_id,) if item is GAP else codec.encode_line(item) for item in proposal
        ]
        self.units.append((codec.end_id,))
        self._after: dict[tuple[Unit | None, Unit], list[int]] = {}
        self._single: dict[Unit, int] = {}
        for at, unit in enumerate(self.units):
            before = self.units[at - 1] if at else None
            self._after.setdefault((before, unit), []).append(at + 1)
            self._single[unit] = -1 if unit in self._single else at + 1
        self.start = Place(0)

    def expected(self, place: Place) -> int | None:
        """The proposal's next id, None off it."""
        if not 0 <= place.at < len(self.units):
            return None
        return self.units[place.at][place.offset]

    def follow(self, place: Place, id_: int) -> Place:
        """The place after one more id."""
        if 0 <= place.at < len(self.units):
            unit = self.units[place.at]
            if unit[place.offset] == id_:
                if place.offset + 1 < len(unit):
                    return Place(place.at, place.offset + 1)
                return Place(place.at + 1)
            begun = self.units[place.at][: place.offset]
            place = Place(-1, 0, begun, self.units[place.at - 1] if place.at else None, place.at)
        line = (*place.begun, id_)
        if id_ not in self._codec.unit_ends:
            return Place(-1, 0, line, place.last, place.floor)
        return self._find(line, place.last, place.floor)

    def _find(self, line: Unit, last: Unit | None, floor: int) -> Place:
        for at in self._after.get((last, line), ()):
            if at > floor:
                return Place(at)
        single = self._single.get(line, -1)
        return Place(single) if single > floor else Place(-1, 0, (), line, floor)


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
