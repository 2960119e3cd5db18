"""The lines of a file, and where the lines of an edit stand among them, white space around them aside.

A file may have 50,000 lines and an edit ten. Every step of placing the edit asks which of its lines the file
has; so the file is stripped once, and a line is looked for with all others, in one pass that runs in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress, repeat
from operator import contains


class FileLines(list[str]):
    """Lines without their ends. Not to be changed: what has been found is kept."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        super().__init__(lines)
        self._rows: dict[str, list[int]] = {}

    @staticmethod
    def of(lines: Sequence[str]) -> FileLines:
        """The lines themselves if they are such already, so that nothing is looked for twice."""
        return lines if isinstance(lines, FileLines) else FileLines(lines)

    @cached_property
    def texts(self) -> list[str]:
        """Every line without the white space around it."""
        return list(map(str.strip, self))

    def seek(self, lines: Iterable[str]) -> None:
        """Look for several lines in one pass, where `rows` would take a pass for each."""
        rows = self._rows
        wanted = {text: list[int]() for line in lines if (text := line.strip()) and text not in rows}
        if wanted:
            for row in compress(range(len(self)), map(wanted.__contains__, self.texts)):
                wanted[self.texts[row]].append(row)
            rows.update(wanted)

    def rows(self, line: str) -> Sequence[int]:
        """Where a line stands, ascending; nowhere for a blank one."""
        text = line.strip()
        if not text:
            return ()
        if text not in self._rows:
            self.seek((text,))
        return self._rows[text]

    def has(self, line: str) -> bool:
        """Whether a line stands anywhere; false for a blank one."""
        return bool(self.rows(line))

    def rows_with(self, part: str) -> Iterable[int]:
        """The lines that `part` is in, ascending."""
        return compress(range(len(self)), map(contains, self.texts, repeat(part)))
