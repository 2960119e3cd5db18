"""The indentation of a part's new lines at the place where its old lines stand."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ..parse.parts import Part
from ..text.indentation import indent_of, majority, reindent, white
from ..text.source_text import Replacement

_OPEN, _CLOSE = "({[", ")}]"


class Indentation:
    """Maps white space of the part's lines to the file's, told by the old lines that have a place.

    Where a level of the part has several in the file (the part has lost its indentation), the nearest line
    above tells, and brackets from there. New lines that have the file's indentation already, though the old
    ones do not, keep it.
    """

    def __init__(self, part: Part, theirs: Mapping[int, str]) -> None:
        """`theirs` gives the line of the file of each old line that has one."""
        self.part, self.theirs = part, theirs
        pairs = [(part.old[row], line) for row, line in theirs.items() if part.old[row].strip()]
        self.levels: dict[str, set[str]] = {}
        for ours, file in pairs:
            self.levels.setdefault(white(ours), set()).add(white(file))
        self.shift = majority(pairs)
        self.same = all({ours} == found for ours, found in self.levels.items())
        self.kept = self.same or self._is_there_already(pairs)
        self.flat = len({white(line) for line in (*part.old, *part.new) if line.strip()}) == 1
        self.unit = _unit([file for _, file in pairs])
        self.own_unit = _unit([line for line in (*part.old, *part.new) if line.strip()])

    def _is_there_already(self, pairs: list[tuple[str, str]]) -> bool:
        new = [indent_of(line) for line in self.part.new if line.strip()]
        if not pairs or not new:
            return False
        ours = min(indent_of(line) for line, _ in pairs)
        file = min(indent_of(line) for _, line in pairs)
        return ours < file <= min(new)

    def of(self, edit: Replacement) -> list[str]:
        """The new lines of one of the part's edits as the file is to have them."""
        if self.kept:
            return list(edit.lines)
        return [self._line(edit, number) for number in range(len(edit.lines))]

    def _line(self, edit: Replacement, number: int) -> str:
        line = edit.lines[number]
        if not line.strip():
            return ""
        own = white(line)
        known = self.levels.get(own)
        if known is not None and len(known) == 1:
            return next(iter(known)) + line.lstrip()
        if known is not None:
            return self._by_neighbour(edit, number, own) + line.lstrip()
        above = max((level for level in self.levels if own.startswith(level)), key=len, default=None)
        if above is not None and len(self.levels[above]) == 1:
            return next(iter(self.levels[above])) + self._deeper(own[len(above) :]) + line.lstrip()
        return reindent(line, self.shift)

    def _deeper(self, extra: str) -> str:
        """White space beyond a known level, in the file's unit."""
        if not self.unit or not self.own_unit or self.unit == self.own_unit:
            return extra
        width, own = indent_of(extra + "x"), indent_of(self.own_unit + "x")
        return self.unit * (width // own) + " " * (width % own) if own else extra

    def _by_neighbour(self, edit: Replacement, number: int, own: str) -> str:
        """Of a level that the file has several of."""
        removed = range(edit.start, edit.end)
        rows = [row for row in self.theirs if row < edit.start and white(self.part.old[row]) == own]
        rows = rows or [row for row in removed if row in self.theirs and white(self.part.old[row]) == own]
        rows = rows or [row for row in self.theirs if row >= edit.end and white(self.part.old[row]) == own]
        if len(removed) == len(edit.lines) and edit.start + number in self.theirs:
            row = edit.start + number  # a line for a line
            return white(self.theirs[row])
        if not rows:
            return self.shift[1] + own
        row = max(rows) if rows[0] < edit.start else min(rows)
        base = white(self.theirs[row])
        if not self.flat:
            return base
        depth = _opened(self.part.old[row], row < edit.start)
        for line in edit.lines[:number]:
            depth += _opened(line, True)
        text = edit.lines[number].strip()
        while text and text[0] in _CLOSE:
            depth, text = depth - 1, text[1:]
        return (
            base + (self.unit or "") * depth
            if depth >= 0
            else base[: len(base) + depth * len(self.unit or "")]
        )


def _opened(line: str, counts: bool) -> int:
    return sum((c in _OPEN) - (c in _CLOSE) for c in line) if counts else 0


def _unit(lines: list[str]) -> str:
    """The least step between two levels of indentation, "" where there is none."""
    whites = sorted({white(line) for line in lines}, key=len)
    steps = [b[len(a) :] for a, b in pairwise(whites) if b.startswith(a)]
    return min((step for step in steps if step), key=len, default="")
