"""Where the lines of a search text stand together, though some of them are misspelt.

Anchors weigh each line by itself; a text whose lines stand one after the other says more, and of two places
that share most lines the one with the smaller mistakes is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from .anchors import Anchor

LEAST_ALIKE = 80  # % of similarity over the whole text
CLEARLY = 2  # % by which the next best place has to be behind
MAX_PLACES = 256


def nearest_place(lines: Sequence[str], text: Sequence[str], anchors: Iterable[Anchor]) -> int | None:
    """The line of the file at which the text's first line stands, of the places that the anchors name; None
    where no place is much like the text, or several are.

    Similarity in % is that of the characters without white space around lines, each line counting by its
    length.
    """
    starts = sorted({a.line - a.edit for a in anchors if 0 <= a.line - a.edit <= len(lines) - len(text)})
    if not starts or len(starts) > MAX_PLACES:
        return None
    ours = [line.strip() for line in text]
    scored = sorted(((_alike(ours, lines[at : at + len(text)]), at) for at in starts), reverse=True)
    best, place = scored[0]
    # A neighbouring start is the same place with a line more or less.
    others = [score for score, at in scored[1:] if abs(at - place) >= max(2, len(text) // 2)]
    clear = not others or best - others[0] >= CLEARLY
    return place if best >= LEAST_ALIKE and clear else None


def _alike(ours: Sequence[str], lines: Sequence[str]) -> float:
    total = weight = 0.0
    for text, line in zip(ours, lines, strict=True):
        size = max(len(text), 1)
        weight += size
        total += size * fuzz.ratio(text, line.strip()) if text != line.strip() else size * 100
    return total / weight if weight else 0.0
