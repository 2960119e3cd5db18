"""The lines of a file, and where the lines of an edit stand among them, white space around them aside.

A file may have 50,000 lines and an edit ten. Every step of placing the edit asks which of its lines the file
has; so a line is looked for with all others, in one pass. Of a large file that pass goes over its bytes, and
its lines are stripped only where an edit comes near them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress, repeat
from operator import contains

from .file_lines_native import trusted_seek

LARGE = 1 << 16  # bytes from which a file is searched as bytes


class FileLines(list[str]):
    """Lines without their ends. Not to be changed: what has been found is kept.

    `body` is the file that they are the lines of, in UTF-8, where it is known; a line of it ends at the byte
    `mark`.
    """

    def __init__(self, lines: Iterable[str] = (), body: bytes | None = None, mark: int = 10) -> None:
        super().__init__(lines)
        self._rows: dict[str, list[int]] = {}
        self._body, self._mark = body if body is not None and len(body) >= LARGE else None, mark

    @staticmethod
    def of(lines: Sequence[str]) -> FileLines:
        """The lines themselves if they are a `FileLines` already, so that nothing is searched for twice."""
        return lines if isinstance(lines, FileLines) else FileLines(lines)

    @cached_property
    def texts(self) -> list[str]:
        """Every line without the white space around it."""
        return list(map(str.strip, self))

    def text(self, row: int) -> str:
        """A line without the white space around it."""
        return self[row].strip() if self._body is not None else self.texts[row]

    def seek(self, lines: Iterable[str]) -> None:
        """Look for several lines in one pass, where `rows` would take a pass for each."""
        rows = self._rows
        wanted = {text: list[int]() for line in lines if (text := line.strip()) and text not in rows}
        seek = trusted_seek() if wanted and self._body is not None else None
        if seek is not None and self._body is not None:
            rows.update(zip(wanted, seek.rows(self._body, self._mark, list(wanted)), strict=True))
        elif wanted:
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
        if self._body is None or chr(self._mark) in part:
            return compress(range(len(self)), map(contains, self.texts, repeat(part)))
        return self._rows_within(self._body, part)

    def _rows_within(self, body: bytes, part: str) -> Iterator[int]:
        """As `rows_with`, of a part that has no line end."""
        wanted, end = part.encode("utf-8", "surrogatepass"), bytes([self._mark])
        row = line = 0
        while line < len(body) and (at := body.find(wanted, line)) >= 0:
            row += body.count(end, line, at)
            if part in self.text(row):
                yield row
            line, row = body.find(end, at) + 1 or len(body), row + 1
