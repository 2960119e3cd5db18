"""The baseline's proposal as a prior: while what is written follows it, its next token gets a head start.

Alignment and model err in different places. The model departs from the proposal only where it prefers
another token by more than the bias, which is calibrated with the model. The place in the proposal is a
function of what has been written alone: it is lost at the first other token, and found again at the end of
a line, where the last two lines (or a line that the proposal has once) stand further down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .deferred import Deferred
from .prompt import PromptCodec
from .window import GAP, Item

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
