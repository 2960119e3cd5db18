"""Where lines of an edit may stand in the file: the same line, the same name defined, a similar line.

The rarer and the longer a line is, the more it says. Weights are integers, so that equal input gives equal
anchors on any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process

from ..text.definitions import definitions, header_name
from ..text.file_lines import FileLines

MAX_CANDIDATES = 64  # positions tried for one line of the edit
MAX_ANCHORS = 1600  # over all lines, rarest lines first: bounds the quadratic chain
INFORMATION_CAP = 16  # letters and digits after which a line is not worth more
FUZZY_CUTOFF = 70
PART_CUTOFF = 88
LONG_LINE = 24
FUZZY_LINES = 8  # lines of a chunk that are searched for by similarity


class Anchor(NamedTuple):
    """Line `edit` of the edit stands at line `line` of the file (both 0-based)."""

    edit: int
    line: int
    weight: int


def log2_eighths(n: int) -> int:
    """floor(8 log2 n) for n ≥ 1, in integers."""
    return (n**8).bit_length() - 1


def line_weight(stripped: str, count: int, total: int) -> int:
    """What finding this line says: its letters and digits, capped, times the logarithm of its rarity."""
    information = min(sum(map(str.isalnum, stripped)), INFORMATION_CAP)
    return information * log2_eighths(1 + total // count)


def exact_anchors(lines: FileLines, edit_lines: Sequence[str], wanted: Sequence[int]) -> list[Anchor]:
    """Anchors of the edit's lines that stand in the file, indentation aside; rare lines first."""
    lines.seek(edit_lines)
    found = []
    for number in wanted:
        text = edit_lines[number].strip()
        positions = lines.rows(text)
        if positions and len(positions) <= MAX_CANDIDATES:
            weight = line_weight(text, len(positions), len(lines))
            if weight:
                found.append((len(positions), number, positions, weight))
    found.sort(key=lambda entry: entry[:2])
    out: list[Anchor] = []
    for _, number, positions, weight in found:
        if len(out) + len(positions) > MAX_ANCHORS:
            break
        for position in positions:
            same_indent = lines[position].rstrip() == edit_lines[number].rstrip()
            out.append(Anchor(number, position, weight if same_indent else weight * 7 // 8))
    return out


def named_anchors(lines: FileLines, edit_lines: Sequence[str], wanted: Sequence[int]) -> list[Anchor]:
    """Anchors of changed definition heads: the same name is defined there with other arguments."""
    out: list[Anchor] = []
    for number in wanted:
        text = edit_lines[number].strip()
        name = None if lines.has(text) else header_name(text)
        if name is None:
            continue
        places = list(definitions(lines, name))
        if 0 < len(places) <= MAX_CANDIDATES:
            weight = line_weight(name, len(places), len(lines)) * 3 // 4
            out.extend(Anchor(number, place, weight) for place in places if weight)
    return out


def fuzzy_anchors(
    lines: FileLines, edit_lines: Sequence[str], wanted: Sequence[int], low: int, high: int
) -> list[Anchor]:
    """Anchors by similarity, in file lines `low` to `high`, for lines that stand nowhere in the file."""
    unmatched = [n for n in wanted if not lines.has(edit_lines[n])]
    unmatched.sort(key=lambda n: (-min(sum(map(str.isalnum, edit_lines[n])), 40), n))
    out = []
    texts = list(map(str.strip, lines[low:high]))
    for number in unmatched[:FUZZY_LINES]:
        text = edit_lines[number].strip()
        weight = line_weight(text, 1, len(lines))
        if weight:
            hits = process.extract(text, texts, scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF, limit=8)
            if not hits and len(text) >= LONG_LINE:  # a line that was split or joined
                long = [line if len(line) >= LONG_LINE else None for line in texts]
                hits = process.extract(
                    text, long, scorer=fuzz.partial_ratio, score_cutoff=PART_CUTOFF, limit=4
                )
            out += [Anchor(number, low + at, weight * (int(score) - 50) // 64) for _, score, at in hits]
    return out


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
