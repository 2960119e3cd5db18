"""Readings in which a chunk of an edit only adds lines: between its first lines and its last ones, which
stand side by side in the window.

A new test or function is often so like its neighbours that changing one of those into it costs an alignment
less than inserting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..text.line_cache import letters
from ..text.window import GAP
from .input import Scene
from .step_features import WORDS
from .table import INSERT, KEEP, MATCH, Step, new_step

MOST_PLACES = 4  # at which one chunk is read so


class Insertions:
    """Where the chunks of an edit can be read so."""

    def __init__(self, scene: Scene) -> None:
        self._places = [(*chunk, places) for chunk in _chunks(scene) if (places := _places(scene, *chunk))]
        columns = range(len(scene.items) if self._places else 0)
        self._kept = [new_step((KEEP, None, column)) for column in columns]

    def of(self, steps: Sequence[Step]) -> Iterator[list[Step]]:
        """The steps with one chunk read so, for every chunk and place where that is another reading; and with
        all of them, where several can be.
        """
        if not self._places:
            return
        every: list[Step] | None = None
        count, changes = 0, _changes(steps)
        for first, last, places in self._places:
            fitting = 0
            for place in places:
                read = self._spliced(steps, first, last, *place)
                if read is None or _changes(read) == changes:
                    continue
                yield read
                fitting += 1
                if fitting == 1 and (both := self._spliced(every, first, last, *place) if every else read):
                    every, count = both, count + 1
                if fitting == MOST_PLACES:
                    break
        if every is not None and count > 1:
            yield every

    def _spliced(
        self, steps: Sequence[Step], first: int, last: int, column: int, above: int, below: int
    ) -> list[Step] | None:
        """The steps with the chunk put there; None where its neighbours are in the way."""
        end, begin = 0, len(steps)  # of the steps before the chunk's, of those after
        for number, (_, row, _) in enumerate(steps):
            if row is None:
                continue
            if row < first:
                end = number + 1
            elif row > last:
                begin = number
                break
        used = next((at for _, _, at in reversed(steps[:end]) if at is not None), -1)
        left = next((at for _, _, at in steps[begin:] if at is not None), len(self._kept))
        low, high = column - above, column + below
        if used >= low or left < high:
            return None
        return [
            *steps[:end],
            *self._kept[used + 1 : low],
            *(new_step((MATCH, first + n, low + n)) for n in range(above)),
            *(new_step((INSERT, row, None)) for row in range(first + above, last + 1 - below)),
            *(new_step((MATCH, last + 1 - below + n, column + n)) for n in range(below)),
            *self._kept[high:left],
            *steps[begin:],
        ]


def _chunks(scene: Scene) -> list[tuple[int, int]]:
    """First and last row (inclusive) of every chunk, blank lines at its ends aside."""
    rows = scene.outer_rows()
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and not any(scene.elides[found[-1][0] : row]):
            found[-1] = found[-1][0], row
        else:
            found.append((row, row))
    return found


def _places(scene: Scene, first: int, last: int) -> list[tuple[int, int, int]]:
    """(column, above, below): the chunk's first `above` lines end before the column, and its last `below`
    ones begin at it; those with most letters first.
    """
    if any(scene.silent[first : last + 1]):
        return []
    ours = scene.edit_texts[first : last + 1]
    theirs = [None if item is GAP else text for item, text in zip(scene.items, scene.item_texts, strict=True)]
    rows: dict[str | None, list[int]] = {}
    for row, text in enumerate(ours):
        rows.setdefault(text, []).append(row)
    found: list[tuple[int, int, int, int]] = []
    for column in range(1, len(theirs)):
        # What begins at the column begins with its line, and what ends there ends with the line before.
        starts, ends = rows.get(theirs[column], ()), rows.get(theirs[column - 1], ())
        if not starts or not ends:
            continue
        below = next((len(ours) - row for row in starts if row and _stands(ours[row:], theirs, column)), 0)
        if not below:
            continue
        sizes = (row + 1 for row in reversed(ends) if row < min(len(ours) - below, column))
        above = next((size for size in sizes if _stands(ours[:size], theirs, column - size)), 0)
        middle = ours[above : len(ours) - below]
        context = [*ours[:above], *ours[len(ours) - below :]]
        weight = sum(map(letters, context))
        if above and any(middle) and weight >= WORDS:
            found.append((weight, -column, above, below))
    found += _at_end(scene, ours, theirs, last)
    return _ends_of_slides((-column, above, below) for _, column, above, below in sorted(found, reverse=True))


def _at_end(
    scene: Scene, ours: Sequence[str], theirs: Sequence[str | None], last: int
) -> list[tuple[int, int, int, int]]:
    """The place at the end of the file for a chunk that ends the edit, as in `_places`."""
    if any(scene.elides[last:]) or not theirs or theirs[-1] is None:
        return []
    end = len(theirs) if theirs[-1] else len(theirs) - 1
    above = next((n for n in range(min(len(ours) - 1, end), 0, -1) if _stands(ours[:n], theirs, end - n)), 0)
    weight = sum(map(letters, ours[:above]))
    return [(weight, -end, above, 0)] if weight >= WORDS else []


def _ends_of_slides(places: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Without those between the first and the last of neighbouring columns with as many lines in common: an
    insertion that ends as what it follows can be read at any of them, to the same text but for white space.
    """
    slides: list[list[tuple[int, int, int]]] = []
    for place in places:
        before = slides[-1][-1] if slides else (-9, 0, 0)
        if place[0] == before[0] + 1 and place[1] + place[2] == before[1] + before[2]:
            slides[-1].append(place)
        else:
            slides.append([place])
    return [place for slide in slides for place in dict.fromkeys((slide[-1], slide[0]))]


def _stands(ours: Sequence[str], theirs: Sequence[str | None], column: int) -> bool:
    return theirs[column : column + len(ours)] == ours


def _changes(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step[0] != KEEP]
