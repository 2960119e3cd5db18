"""A file's bytes as lines, and back, without changing a byte that no edit touches.

A line ends at LF or CRLF; in a file with no LF at all, at CR. Form feeds, vertical tabs and Unicode
separators are text. Every line keeps its own end. A new line takes the end of the line before it, so that
mixed files stay as mixed as they were. A file that had no final newline has none afterwards.

Inside, text is UTF-8 without a byte order mark (`SourceText.body`); a file in another encoding is converted
on the way in and out, strictly, so that the round trip is exact for every file that is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..types import RefusalReason
from .bulk_bytes import Common, count
from .encoding import MAX_BYTES, UTF8, Encoding, TextError, decode_bytes, decode_edit, has_mark
from .file_lines import FileLines
from .line_diff import changes

__all__ = [
    "MAX_BYTES",
    "Replacement",
    "SourceText",
    "TextError",
    "decode_edit",
    "merge_adjacent",
    "split_lines",
]

_NEAR = 64  # lines to step over from a known offset before the whole index is made
_MOST_KNOWN = 64  # line starts that are searched one by one


def split_lines(text: str) -> list[str]:
    """Lines without their ends, by the same rule as for files. A final line end opens no further line."""
    return _split(text, "\r" if "\n" not in text and "\r" in text else None)[0]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Lines `start:end` of the original (0-based, half open) become `lines`. An insertion is empty."""

    start: int
    end: int
    lines: tuple[str, ...]


def merge_adjacent(replacements: Iterable[Replacement]) -> tuple[Replacement, ...]:
    """The same replacements in order of position, those that touch as one."""
    found: list[Replacement] = []
    for part in sorted(replacements, key=lambda part: (part.start, part.end)):
        if found and found[-1].end == part.start:
            last = found.pop()
            part = Replacement(last.start, part.end, last.lines + part.lines)
        found.append(part)
    return tuple(found)


@dataclass(frozen=True)
class SourceText:
    """A decoded file. Line indices are 0-based; lines carry no line end."""

    body: bytes
    encoding: Encoding

    @classmethod
    def decode(cls, data: bytes, max_bytes: int = MAX_BYTES) -> SourceText:
        """Raises `TextError` (BINARY_FILE, UNDECODABLE or TOO_LARGE)."""
        if len(data) > max_bytes:
            raise TextError(
                RefusalReason.TOO_LARGE,
                f"The file has {len(data):,} bytes; at most {max_bytes:,} are accepted. It is left as it is.",
            )
        return cls(*decode_bytes(data))

    def decode_revision(self, data: bytes, common: Common, max_bytes: int = MAX_BYTES) -> SourceText:
        """`decode(data)`, where `common` says which whole lines `data` has from this file's bytes.

        In UTF-8 without a byte order mark, lines that were text here are text there: only the others are
        looked at.
        """
        middle = data[common.prefix : len(data) - common.suffix]
        if (
            self.encoding != UTF8
            or self.newline != "\n"
            or len(data) > max_bytes
            or b"\n" not in data  # its line ends would be CR if it had any
            or b"\r" in middle
            or b"\0" in middle
            or has_mark(data)
        ):
            return self.decode(data, max_bytes)
        try:
            middle.decode("utf-8")
        except UnicodeDecodeError:
            return self.decode(data, max_bytes)
        revision = SourceText(data, UTF8)
        revision.__dict__["newline"] = "\n"
        return revision

    def encode(self, body: bytes) -> bytes:
        """A UTF-8 body as bytes of this file. Raises `TextError` where its encoding lacks a character."""
        if self.encoding.codec == "utf-8":
            return self.encoding.bom + body
        try:
            return self.encoding.bom + body.decode("utf-8").encode(self.encoding.codec)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            raise TextError(
                RefusalReason.UNDECODABLE,
                f"The edit has {character!r}, which the file's encoding {self.encoding.codec} lacks. "
                "Convert the file to UTF-8 first, or leave it out.",
            ) from None

    @cached_property
    def newline(self) -> str | None:
        """The end of every line, or None when ends are mixed. LF for a file with no line end."""
        if b"\r" not in self.body:
            return "\n"
        if b"\n" not in self.body:
            return "\r"
        pairs = self.body.count(b"\r\n")
        if pairs == 0:
            return "\n"
        return "\r\n" if pairs == self.body.count(b"\n") else None

    def with_newline(self, newline: str) -> SourceText:
        """The same file, whose new lines end so; for a file that has no line end of its own."""
        text = SourceText(self.body, self.encoding)
        text.__dict__["newline"] = newline
        return text

    @property
    def has_line_end(self) -> bool:
        """Whether any line has an end."""
        return b"\n" in self.body or b"\r" in self.body

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.body or self.body.isspace()

    @cached_property
    def _mark(self) -> int:
        """The byte that ends every line."""
        return 13 if self.newline == "\r" else 10

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Byte offset of every line, then the length of the body; int64[line_count + 1]."""
        after = np.flatnonzero(np.frombuffer(self.body, np.uint8) == self._mark) + 1
        tail = [] if len(self.body) == 0 or self.body[-1] == self._mark else [len(self.body)]
        return np.concatenate([np.zeros(1, np.int64), after, np.array(tail, np.int64)])

    @cached_property
    def _known(self) -> dict[int, int]:
        """Offsets of a few lines, which spare a large file with one edit the whole index."""
        return {0: 0}

    @cached_property
    def line_count(self) -> int:
        """The number of lines; a final line end opens no further line."""
        if "lines" in self.__dict__:
            return len(self.lines)
        marks = count(self.body, self._mark, len(self.body))
        return marks + (bool(self.body) and self.body[-1] != self._mark)

    def offset(self, line: int) -> int:
        """The byte offset in `body` at which a line starts; the length of the body for `line_count`.

        Raises:
            IndexError: there is no such line.
        """
        if "_starts" in self.__dict__:
            return int(self._starts[line])
        near = next((known for known in range(line, max(line - _NEAR, -1), -1) if known in self._known), None)
        if near is None:
            return len(self.body) if line == self.line_count else int(self._starts[line])
        found = self._known[near]
        for _ in range(line - near):
            if found == len(self.body):
                raise IndexError(f"the file has no line {line}")
            end = self.body.find(self._mark, found)
            found = end + 1 if end >= 0 else len(self.body)
        self._known[line] = found
        return found

    def line_at(self, offset: int) -> int:
        """The line that holds the byte at `offset` of `body`."""
        if "_starts" in self.__dict__ or len(self._known) > _MOST_KNOWN:
            return int(np.searchsorted(self._starts, offset, side="right")) - 1
        near, start = max(
            ((line, at) for line, at in self._known.items() if at <= offset), key=lambda known: known[1]
        )
        line = near + count(self.body, self._mark, offset, start)
        self._known[line] = self.body.rfind(self._mark, 0, offset) + 1
        return line

    def note(self, line: int, offset: int) -> None:
        """Remember that a line starts at an offset, where the caller knows it for sure."""
        self._known[line] = offset

    def slice(self, start: int, end: int) -> list[str]:
        """Lines `start:end`; only these are decoded."""
        raw = self.body[self.offset(start) : self.offset(end)].decode("utf-8")
        return _split(raw, self.newline)[0]

    @cached_property
    def lines(self) -> FileLines:
        """All lines, without their ends."""
        return FileLines(_split(self.body.decode("utf-8"), self.newline)[0], self.body, self._mark)

    @cached_property
    def ends(self) -> list[str]:
        """The end of every line: "\\n", "\\r\\n", "\\r", or "" for a last line without one."""
        return _split(self.body.decode("utf-8"), self.newline)[1]

    @property
    def has_final_newline(self) -> bool:
        """Whether the last line has an end; true for an empty file, since what it gets will have one."""
        return not self.body or self.body.endswith(b"\r" if self.newline == "\r" else b"\n")

    @cached_property
    def index(self) -> dict[str, list[int]]:
        """Line -> where it stands, ascending."""
        found: dict[str, list[int]] = {}
        for i, line in enumerate(self.lines):
            found.setdefault(line, []).append(i)
        return found

    def find(self, block: Sequence[str], limit: int = 20) -> list[int]:
        """Lines at which `block` stands, character for character, whatever the line ends; at most `limit`."""
        if not block or any("\n" in line for line in block):
            return []
        if self.newline is None or not any(block) or "index" in self.__dict__:
            return self._find_in_index(block, limit)
        end = self.newline.encode()
        needle = self.newline.join(block).encode("utf-8", "surrogatepass")
        found: list[int] = []
        at = 0 if self.body.startswith(needle) else self._find_after_end(end, needle, 0)
        while at >= 0 and len(found) < limit:
            stop = at + len(needle)
            # At the end of the body, an empty last line of the block would have no line to match.
            if self.body.startswith(end, stop) or (stop == len(self.body) and block[-1]):
                found.append(self.line_at(at))
            at = self._find_after_end(end, needle, at)
        return found

    def _find_after_end(self, end: bytes, needle: bytes, at: int) -> int:
        found = self.body.find(end + needle, at)
        return found + len(end) if found >= 0 else -1

    def _find_in_index(self, block: Sequence[str], limit: int) -> list[int]:
        wanted, nowhere = list(block), list[int]()
        rarest = min(range(len(wanted)), key=lambda row: len(self.index.get(wanted[row], nowhere)))
        found: list[int] = []
        for line in self.index.get(wanted[rarest], nowhere):
            top = line - rarest
            if top >= 0 and self.lines[top : top + len(wanted)] == wanted:
                found.append(top)
                if len(found) == limit:
                    break
        return found

    def replace(self, replacements: Iterable[Replacement], final_newline: bool | None = None) -> bytes:
        """The file's new bytes. Bytes of lines in no replacement are copied.

        `replacements` must not overlap and are applied in order of position. `final_newline` states whether
        the result ends in a line end; None keeps the file's habit.

        Raises:
            TextError: a new line has a character that the file's encoding lacks.
            ValueError: replacements overlap or lie outside the file.
        """
        pieces: list[bytes | memoryview] = []
        at = copied = 0
        for part in sorted(replacements, key=lambda part: (part.start, part.end)):
            if not at <= part.start <= part.end:
                raise ValueError(f"replacement {part.start}:{part.end} overlaps another")
            try:
                start, end = self.offset(part.start), self.offset(part.end)
            except IndexError:
                raise ValueError(f"replacement {part.start}:{part.end} leaves the file") from None
            self._copy(pieces, copied, start)
            pieces.append(self._with_ends(part))
            at, copied = part.end, end
        self._copy(pieces, copied, len(self.body))
        body = b"".join(pieces)
        return self.encode(self._finish(body, final_newline))

    def _copy(self, pieces: list[bytes | memoryview], start: int, end: int) -> None:
        if start < end:
            pieces.append(memoryview(self.body)[start:end])
            if end == len(self.body) and not self.has_final_newline:
                # Taken off again by _finish. Counting the lines of a large file is worth avoiding.
                newline = self.newline
                pieces.append(newline.encode() if newline else self._end_before(self.line_count))

    def _end_before(self, line: int) -> bytes:
        """The end that a new line at `line` takes: that of the line before, else of the first."""
        if self.newline is not None:
            return self.newline.encode()
        if line >= self.line_count and not self.has_final_newline:
            line -= 1  # the last line has no end to copy
        index = max(line - 1, 0)
        start, stop = self.offset(index), self.offset(index + 1)
        return b"\r\n" if self.body[start:stop].endswith(b"\r\n") else b"\n"

    def _with_ends(self, part: Replacement) -> bytes:
        """The new lines with their ends. Lines that the range had before keep theirs, and those that a line
        is replaced by take its.
        """
        end = self._end_before(part.start)
        if self.newline is not None:
            return b"".join(line.encode("utf-8", "surrogatepass") + end for line in part.lines)
        old = self.slice(part.start, part.end)
        kept: dict[int, int] = {}
        i = j = 0
        for change in [*changes(old, part.lines), None]:
            stop = change.a_start if change else len(old)
            kept.update(zip(range(j, j + stop - i), range(i, stop), strict=True))
            if change:
                replaced = range(change.a_start, change.a_end)
                kept.update(zip(range(change.b_start, change.b_end), replaced, strict=False))
                i, j = change.a_end, change.b_end
        pieces: list[bytes] = []
        for j, line in enumerate(part.lines):
            if j in kept:
                end = self._end_before(part.start + kept[j] + 1)
            pieces.append(line.encode("utf-8", "surrogatepass") + end)
        return b"".join(pieces)

    def _finish(self, body: bytes, final_newline: bool | None) -> bytes:
        wanted = self.has_final_newline if final_newline is None else final_newline
        if wanted or not body:
            return body
        for end in (b"\r\n", b"\n", b"\r" if self.newline == "\r" else b"\n"):
            if body.endswith(end):
                return body[: -len(end)]
        return body


def _split(text: str, newline: str | None) -> tuple[list[str], list[str]]:
    """(lines, ends) of a text whose line end is `newline`, or mixed when None."""
    if not text:
        return [], []
    lines = text.split("\r" if newline == "\r" else "\n")
    last = lines.pop()
    if newline is not None and newline != "\r\n":
        ends = [newline] * len(lines)
    else:
        ends = ["\r\n" if line.endswith("\r") else "\n" for line in lines]
        lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    if last:
        lines.append(last)
        ends.append("")
    return lines, ends
