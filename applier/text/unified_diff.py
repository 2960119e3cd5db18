"""Unified diffs of bytes, and their strict application.

A line here is what `git` takes for one: it ends at LF and may hold any other byte. So a diff of a UTF-16 file
is correct but hard to read, and CRLF files show no change of line ends. `\\ No newline at end of file` is
written where it belongs, on either side.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np

from .bulk_bytes import CHUNK, Common, common_lines, count, equal
from .line_diff import Change, changes

_NO_NEWLINE = b"\\ No newline at end of file"


def _lines(data: bytes) -> list[bytes]:
    """Lines with their LF."""
    return io.BytesIO(data).readlines()


def _last_lines(data: bytes, end: int, count: int) -> int:
    """The offset at which the `count` lines before `end` (a line start) begin."""
    for _ in range(count):
        if end == 0:
            break
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def _next_lines(data: bytes, start: int, count: int) -> int:
    """The offset at which the `count` lines from `start` on end."""
    for _ in range(count):
        at = data.find(b"\n", start)
        if at < 0:
            return len(data)
        start = at + 1
    return start


def quoted(prefix: str, path: str) -> bytes:
    """A path in a diff header, quoted like git where it has control characters, quotes or backslashes."""
    name = prefix + path.lstrip("/")
    if any(ord(c) < 32 or c in '"\\\x7f' for c in name):
        special = {"\t": "\\t", "\n": "\\n", '"': '\\"', "\\": "\\\\"}
        escaped = "".join(special.get(c, c if 32 <= ord(c) != 127 else f"\\{ord(c):03o}") for c in name)
        return f'"{escaped}"'.encode("utf-8", "surrogateescape")
    return (name + ("\t" if " " in name else "")).encode("utf-8", "surrogateescape")


def _groups(found: list[Change], context: int) -> Iterator[list[Change]]:
    group: list[Change] = []
    for change in found:
        if group and change.a_start - group[-1].a_end > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _emit(sign: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield sign + line
        if not line.endswith(b"\n"):
            yield b"\n" + _NO_NEWLINE + b"\n"


def _range(start: int, count: int) -> bytes:
    """Git's form: an empty side names the line before it; a count of one is left out."""
    if count == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if count else start, count)


def unified_diff(
    old: bytes,
    new: bytes,
    path: str,
    context: int = 3,
    common: Common | None = None,
    known: tuple[int, int] = (0, 0),
) -> bytes:
    """The diff that turns `old` into `new`, its paths with a/ and b/; empty when they are equal.

    Give what is known already, to spare scans of large files: `common_lines(old, new)`, and
    (offset, number of LF before it) of any place in `old`.
    """
    common = common or common_lines(old, new)
    prefix, suffix = common
    if prefix == len(old) == len(new):
        return b""
    low = _last_lines(old, prefix, context)
    high_a = _next_lines(old, len(old) - suffix, context)
    high_b = _next_lines(new, len(new) - suffix, context)
    a, b = _lines(old[low:high_a]), _lines(new[low:high_b])
    offset, first = known
    first += count(old, 10, low, offset) if offset <= low else -count(old, 10, offset, low)
    shown = path or "file"
    pieces = [b"--- ", quoted("a/", shown), b"\n+++ ", quoted("b/", shown), b"\n"]
    for group in _groups(changes(a, b), context):
        a_low, a_high = max(group[0].a_start - context, 0), min(group[-1].a_end + context, len(a))
        b_low, b_high = max(group[0].b_start - context, 0), min(group[-1].b_end + context, len(b))
        pieces += [b"@@ -", _range(first + a_low, a_high - a_low)]
        pieces += [b" +", _range(first + b_low, b_high - b_low), b" @@\n"]
        at = a_low
        for change in group:
            pieces += _emit(b" ", a[at : change.a_start])
            pieces += _emit(b"-", a[change.a_start : change.a_end])
            pieces += _emit(b"+", b[change.b_start : change.b_end])
            at = change.a_end
        pieces += _emit(b" ", a[at:a_high])
    return b"".join(pieces)


class DiffMismatch(ValueError):
    """A diff that does not fit the bytes it is applied to."""


_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def apply_diff(old: bytes, diff: bytes) -> bytes:
    """Apply a diff that `unified_diff` made, strictly: every number and every line must fit.

    Raises:
        DiffMismatch: a header, a count or a line does not fit.
    """
    view = memoryview(old)
    pieces = _pieces(old, diff)
    return b"".join(piece if isinstance(piece, bytes) else view[piece[0] : piece[1]] for piece in pieces)


def gives(old: bytes, diff: bytes, new: bytes) -> bool:
    """Whether `apply_diff(old, diff) == new`, without making it. Raises `DiffMismatch` likewise."""
    at = 0
    for piece in _pieces(old, diff):
        if isinstance(piece, bytes):
            same, length = new.startswith(piece, at), len(piece)
        else:
            length = piece[1] - piece[0]
            same = equal(old, piece[0], new, at, length)
        if not same:
            return False
        at += length
    return at == len(new)


def _pieces(old: bytes, diff: bytes) -> Iterator[bytes | tuple[int, int]]:
    """The new bytes in order: new lines, and (start, end) of what is copied from `old`."""
    if not diff:
        yield 0, len(old)
        return
    lines = _lines(diff)
    copied, row, line_number = 0, 2, 0
    while row < len(lines):
        header = _HUNK.match(lines[row])
        if header is None:
            raise DiffMismatch(f"line {row + 1} of the diff is no hunk header")
        start, old_count = int(header[1]), int(header[2] or 1)
        new_count = int(header[4] or 1)
        skip = (start - 1 if old_count else start) - line_number
        offset = _skip_lines(old, copied, skip)
        yield copied, offset
        before: list[bytes] = []
        after: list[bytes] = []
        row += 1
        while row < len(lines) and lines[row][:1] in (b" ", b"-", b"+"):
            sign, text = lines[row][:1], lines[row][1:]
            if row + 1 < len(lines) and lines[row + 1].startswith(b"\\"):
                text = text[:-1]
                row += 1
            if sign != b"+":
                before.append(text)
            if sign != b"-":
                after.append(text)
            row += 1
        if (len(before), len(after)) != (old_count, new_count):
            raise DiffMismatch(f"the hunk at line {start} does not have the lines that its header counts")
        block = b"".join(before)
        if not old.startswith(block, offset):
            raise DiffMismatch(f"the hunk at line {start} does not match the file")
        yield b"".join(after)
        copied = offset + len(block)
        line_number += skip + old_count
    yield copied, len(old)


def _skip_lines(data: bytes, start: int, count: int) -> int:
    """The offset `count` lines after `start`. Raises `DiffMismatch` past the end."""
    if count < 0:
        raise DiffMismatch("hunks are out of order")
    while count > 0 and start < len(data):
        block = np.frombuffer(data, np.uint8, min(CHUNK, len(data) - start), start)
        ends = block == 10
        here = int(np.count_nonzero(ends))
        if here >= count:
            return start + int(np.flatnonzero(ends)[count - 1]) + 1
        count -= here
        start += len(block)
    # What is left may be a last line without its end.
    if count > 1 or (count == 1 and (not data or data.endswith(b"\n"))):
        raise DiffMismatch("a hunk lies past the end of the file")
    return start
