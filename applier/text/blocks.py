"""The blocks of a file, by indentation: where a line's block ends."""

from __future__ import annotations

from .file_lines import FileLines
from .indentation import indent_of


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
