"""Where lines of an edit may stand in the file: the same line, the same name defined, a similar line.

The rarer and the longer a line is, the more it says. Weights are integers, so that equal input gives equal
anchors on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process

from .file_lines import FileLines
from .heads import header_name
from .line_facts import of_line

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


@of_line
def indent_of(line: str) -> int:
    """Width of the leading white space, a tab counting as 4."""
    body = line.lstrip()
    return len(line[: len(line) - len(body)].expandtabs(4))


def definitions(lines: FileLines, name: str) -> Iterator[int]:
    """The lines of a file that define a name."""
    return (row for row in lines.rows_with(name) if header_name(lines.text(row)) == name)


class Scopes:
    """The blocks of a file, by indentation."""

    def __init__(self, lines: FileLines) -> None:
        self._lines = lines
        self._ends: dict[int, int] = {}

    def end(self, start: int) -> int:
        """The last line (0-based) of the block that line `start` heads, by indentation; closers included."""
        if start not in self._ends:
            self._ends[start] = self._scan(start)
        return self._ends[start]

    def _scan(self, start: int) -> int:
        lines = self._lines
        indent = indent_of(lines[start])
        last = start
        for number in range(start + 1, len(lines)):
            text = lines[number].strip()
            if not text:
                continue
            if indent_of(lines[number]) <= indent:
                if text[0] in ")]}" or text.startswith("end"):
                    last = number
                    if text[-1] in "{:(":  # `} else {`, `) -> int:`: the block goes on
                        continue
                elif text == "{" and last == start:
                    continue
                return last
            last = number
        return last


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
