"""Where lines of an edit may stand in the file: the same line, the same name defined, a similar line.

The rarer and the longer a line is, the more it says. Weights are integers, so that equal input gives equal
anchors on any machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from .line_facts import of_line

MAX_CANDIDATES = 64  # positions tried for one line of the edit
MAX_ANCHORS = 1600  # over all lines, rarest lines first: bounds the quadratic chain
INFORMATION_CAP = 16  # letters and digits after which a line is not worth more
FUZZY_CUTOFF = 70
PART_CUTOFF = 88
LONG_LINE = 24
FUZZY_LINES = 8  # lines of a chunk that are searched for by similarity

_HEADER = re.compile(r"(?:^|[\s*&])(\w+)\s*(?:<[^>]*>)?\s*\(")
_DEFINITION = re.compile(
    r"\b(?:def|class|func|fn|function|struct|enum|trait|impl|interface|type|module|record|object)\s+(\w+)"
)
_NOT_NAMES = frozenset({"if", "for", "while", "switch", "catch", "elif", "return", "with", "match", "when"})


@dataclass(frozen=True, slots=True)
class Anchor:
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


@of_line
def header_name(line: str) -> str | None:
    """The name that a line defines, if it looks like the head of a definition."""
    found = _DEFINITION.search(line)
    if found:
        return found[1]
    if line.rstrip().endswith(("{", ":", "(", "=>")):
        found = _HEADER.search(line)
        if found and found[1] not in _NOT_NAMES:
            return found[1]
    return None


class FileIndex:
    """The file's lines by their text without surrounding white space."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.stripped = [line.strip() for line in lines]
        self.positions: dict[str, list[int]] = {}
        for number, text in enumerate(self.stripped):
            if text in self.positions:
                self.positions[text].append(number)
            else:
                self.positions[text] = [number]
        self._scope_ends: dict[int, int] = {}

    def scope_end(self, start: int) -> int:
        """The last line (0-based) of the block that line `start` heads, by indentation; closers included."""
        if start not in self._scope_ends:
            self._scope_ends[start] = self._scan_scope(start)
        return self._scope_ends[start]

    def _scan_scope(self, start: int) -> int:
        indent = indent_of(self.lines[start])
        last = start
        for number in range(start + 1, len(self.lines)):
            text = self.stripped[number]
            if not text:
                continue
            if indent_of(self.lines[number]) <= indent:
                if text[0] in ")]}" or text.startswith("end"):
                    last = number
                    if text[-1] in "{:(":  # `} else {`, `) -> int:`: the block goes on
                        continue
                elif text == "{" and last == start:
                    continue
                return last
            last = number
        return last


def exact_anchors(index: FileIndex, edit_lines: Sequence[str], wanted: Sequence[int]) -> list[Anchor]:
    """Anchors of the edit's lines that stand in the file, indentation aside; rare lines first."""
    total = len(index.lines)
    found = []
    for number in wanted:
        text = edit_lines[number].strip()
        positions = index.positions.get(text, ())
        if positions and len(positions) <= MAX_CANDIDATES:
            weight = line_weight(text, len(positions), total)
            if weight:
                found.append((len(positions), number, positions, weight))
    found.sort(key=lambda entry: entry[:2])
    out: list[Anchor] = []
    for _, number, positions, weight in found:
        if len(out) + len(positions) > MAX_ANCHORS:
            break
        for position in positions:
            same_indent = index.lines[position].rstrip() == edit_lines[number].rstrip()
            out.append(Anchor(number, position, weight if same_indent else weight * 7 // 8))
    return out


def named_anchors(index: FileIndex, edit_lines: Sequence[str], wanted: Sequence[int]) -> list[Anchor]:
    """Anchors of changed definition heads: the same name is defined there with other arguments."""
    out: list[Anchor] = []
    for number in wanted:
        text = edit_lines[number].strip()
        name = None if text in index.positions else header_name(text)
        if name is None:
            continue
        places = [i for i, line in enumerate(index.stripped) if name in line and header_name(line) == name]
        if 0 < len(places) <= MAX_CANDIDATES:
            weight = line_weight(name, len(places), len(index.lines)) * 3 // 4
            out.extend(Anchor(number, place, weight) for place in places if weight)
    return out


def fuzzy_anchors(
    index: FileIndex, edit_lines: Sequence[str], wanted: Sequence[int], low: int, high: int
) -> list[Anchor]:
    """Anchors by similarity, in file lines `low` to `high`, for lines that stand nowhere in the file."""
    unmatched = [n for n in wanted if edit_lines[n].strip() not in index.positions]
    unmatched.sort(key=lambda n: (-min(sum(map(str.isalnum, edit_lines[n])), 40), n))
    out = []
    for number in unmatched[:FUZZY_LINES]:
        text = edit_lines[number].strip()
        weight = line_weight(text, 1, len(index.lines))
        if weight:
            hits = process.extract(
                text, index.stripped[low:high], scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF, limit=8
            )
            if not hits and len(text) >= LONG_LINE:  # a line that was split or joined
                hits = process.extract(
                    text, index.stripped[low:high], scorer=_part, score_cutoff=PART_CUTOFF, limit=4
                )
            out += [Anchor(number, low + at, weight * (int(score) - 50) // 64) for _, score, at in hits]
    return out


def _part(a: str, b: str, *, score_cutoff: float | None = None) -> float:
    """Similarity of the shorter text with its best place in the longer; 0 for short ones."""
    return fuzz.partial_ratio(a, b, score_cutoff=score_cutoff) if min(len(a), len(b)) >= LONG_LINE else 0.0
