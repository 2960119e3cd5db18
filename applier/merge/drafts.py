"""Drafts: guesses of what the model will write, which it confirms many tokens at a time.

The first draft is the baseline's whole proposal. Where the model takes another way, the next draft goes on
from the place in the proposal, the window or the edit whose lines before it are the lines just written. A
draft never changes a result: it only decides how many tokens one pass of the model confirms.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..text.window import GAP, Item
from .deferred import Deferred
from .prompt import PromptCodec

MAX_CONTEXT = 8  # lines before a place that are compared
FIRST_REDRAFT = 64  # ids; doubled whenever a whole draft was right

Unit = tuple[int, ...]  # the ids of a line, of a gap, or of the end
_BREAK: Unit = ()  # nothing to go on with: a marker of the edit


class Drafter(Deferred):
    """Drafts for one merge."""

    def __init__(
        self,
        codec: PromptCodec,
        proposal: Sequence[Item],
        window: Sequence[Item],
        edit: Sequence[Item],
    ) -> None:
        """`edit` are the lines that the edit shows, None where a marker breaks them off."""
        self._codec, self._gap, end = codec, codec.gap_id, (codec.end_id,)
        shown = [_BREAK if line is None else codec.encode_line(line) for line in edit]
        self._sources = [[*self._units(codec, proposal), end], [*self._units(codec, window), end], shown]
        self._place = [0, 0, 0]  # where the last draft from each source went on

    def _units(self, codec: PromptCodec, items: Sequence[Item]) -> list[Unit]:
        return [(self._gap,) if item is GAP else codec.encode_line(item) for item in items]

    def first(self) -> list[int]:
        """The ids of the whole proposal with its end."""
        return [id_ for unit in self._sources[0] for id_ in unit]

    def next(self, written: Sequence[int]) -> list[int]:
        """A continuation of `written`, the ids confirmed so far; empty when no source has one."""
        units, partial = self._split(written)
        best: tuple[tuple[int, int, int], int, int] | None = None
        for rank, source in enumerate(self._sources):
            for at, unit in enumerate(source):
                if not unit or unit[: len(partial)] != partial:
                    continue
                context = _common_suffix(units, source, at)
                if context or partial:
                    score = (context, -rank, -abs(at - self._place[rank]))
                    if best is None or score > best[0]:
                        best = (score, rank, at)
        if best is None:
            return []
        _, rank, at = best
        self._place[rank] = at
        out: list[int] = list(self._sources[rank][at][len(partial) :])
        for unit in self._sources[rank][at + 1 :]:
            if not unit:
                break
            out.extend(unit)
        return out

    def _split(self, written: Sequence[int]) -> tuple[list[Unit], Unit]:
        """The last complete lines and gaps of `written`, and the ids of the line begun after them."""
        units: list[Unit] = []
        stop = len(written)
        start = stop
        partial: Unit | None = None
        while start > 0 and len(units) < MAX_CONTEXT:
            if written[start - 1] in self._codec.unit_ends:
                if partial is None:
                    partial = tuple(written[start:stop])
                elif start < stop:
                    units.append(tuple(written[start:stop]))
                stop = start
            start -= 1
        if partial is None:
            partial = tuple(written[start:stop])
        elif start == 0 and stop > 0 and len(units) < MAX_CONTEXT:
            units.append(tuple(written[:stop]))
        return units[::-1], partial


def _common_suffix(units: Sequence[Unit], source: Sequence[Unit], at: int) -> int:
    count = 0
    while count < min(len(units), at) and units[-1 - count] == source[at - 1 - count]:
        count += 1
    return count
