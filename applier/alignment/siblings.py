"""Readings in which a chunk of an edit only adds lines: between its first lines and its last ones, which
stand side by side in the window.

A new test or function is often so like its neighbours that changing one of those into it costs an alignment
less than inserting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..line_facts import letters
from ..window import GAP
from .evidence import WORDS
from .scene import Scene
from .table import INSERT, KEEP, MATCH, Step

MOST_PLACES = 4  # at which one chunk is read so


class Insertions:
    """Where the chunks of an edit can be read so."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._places = [(*chunk, _places(scene, *chunk)) for chunk in _chunks(scene)]

    def of(self, steps: Sequence[Step]) -> Iterator[list[Step]]:
        """The steps with one chunk read so, for every chunk and place where that is another reading; and with
        all of them, where several can be.
        """
        every: list[Step] | None = None
        count = 0
        for first, last, places in self._places:
            fitting = 0
            for place in places:
                read = _spliced(self._scene, steps, first, last, *place)
                if read is None or _same(read, steps):
                    continue
                yield read
                fitting += 1
                both = _spliced(self._scene, every or steps, first, last, *place) if fitting == 1 else None
                if both is not None:
                    every, count = both, count + 1
                if fitting == MOST_PLACES:
                    break
        if every is not None and count > 1:
            yield every


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


def _spliced(
    scene: Scene, steps: Sequence[Step], first: int, last: int, column: int, above: int, below: int
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
    head, tail = list(steps[:end]), list(steps[begin:])
    used = next((step.column for step in reversed(head) if step.column is not None), -1)
    left = next((step.column for step in tail if step.column is not None), len(scene.items))
    low, high = column - above, column + below
    if used >= low or left < high:
        return None
    rows = iter(range(first, last + 1))
    middle = [Step(KEEP, None, at) for at in range(used + 1, low)]
    middle += [Step(MATCH, next(rows), at) for at in range(low, column)]
    middle += [Step(INSERT, next(rows), None) for _ in range(last + 1 - first - above - below)]
    middle += [Step(MATCH, next(rows), at) for at in range(column, high)]
    middle += [Step(KEEP, None, at) for at in range(high, left)]
    return head + middle + tail


def _same(read: Sequence[Step], steps: Sequence[Step]) -> bool:
    return [s for s in read if s.state != KEEP] == [s for s in steps if s.state != KEEP]
