"""Unified diffs as language models write them: wrong numbers, no numbers, no headers, blanks without their
space.

What a hunk says is its lines. Its numbers are kept as a hint and are never trusted alone.
"""

from __future__ import annotations

import re

from .chat.fences import fence_info
from .edits import EditParseError, Hunk, UnifiedDiff, check_same_file, same_file

_HUNK = re.compile(r"^@@+ *-(\d{1,9})(?:,(\d{1,9}))? +\+(\d{1,9})(?:,(\d{1,9}))? *@@+ ?(?P<section>.*)$")
_STAMP = re.compile(r"\s+\d{4}-\d\d-\d\d(?:[ T].*)?$")
_LOOSE_HUNK = re.compile(r"^@@(?!\w)(?: *\.{2,3} *@@| .*@@| ?.*)?$")
_NUMBERS = re.compile(r"^@@+ *-\d+(?:,\d+)? +\+\d+(?:,\d+)?")  # of any length
_BARE_HUNK = re.compile(r"^@@(?: *\.{3} *@@)?\s*$")
_EXTENDED = re.compile(
    r"^(?:index [0-9a-f]|old mode|new mode|new file mode|deleted file mode|(?:dis)?similarity index"
    r"|rename from|rename to|copy from|copy to)"
)
_NO_NEWLINE = "\\"
_FORM = "Write context with a space, removed lines with '-', added lines with '+', and @@ before each hunk."


def _opens_file(lines: list[str], row: int, in_hunk: bool = False) -> bool:
    """Whether `--- a` / `+++ b` stands at `row`, and not a removed line that starts with dashes."""
    if not lines[row].startswith("--- ") or row + 1 >= len(lines) or not lines[row + 1].startswith("+++ "):
        return False
    return not in_hunk or (row + 2 < len(lines) and lines[row + 2].startswith("@@"))


def looks_like(lines: list[str]) -> bool:
    """Whether the lines are a diff with a header: what follows the first header must have signs."""
    for row, line in enumerate(lines):
        opens = line.startswith("diff --git ") or _opens_file(lines, row)
        if opens or _HUNK.match(line) or _BARE_HUNK.match(line):
            hunk = next((at for at in range(row, len(lines)) if lines[at].startswith("@@")), row + 1)
            body = [text for text in lines[hunk + 1 :] if text.strip()]
            signed = sum(text[0] in " +-@\\" or _is_header(text) for text in body)
            stated = opens and hunk > row and hunk < len(lines)
            changed = stated or any(text[0] in "+-" for text in body)
            return row <= 12 and changed and signed >= 0.8 * len(body)
    return False


def is_header(line: str) -> bool:
    """Whether a line is a header of a file or a hunk."""
    return line.startswith(("diff --git ", "--- ", "+++ ", "@@")) or bool(_EXTENDED.match(line))


def _is_header(line: str) -> bool:
    return bool(_EXTENDED.match(line)) or line.startswith("diff --git ") or fence_info(line) is not None


def _name(line: str) -> str:
    """The path of a `--- ` or `+++ ` line, without a timestamp or quotes; "" for /dev/null."""
    name = _STAMP.sub("", line[4:].split("\t")[0]).strip().strip('"')
    if name == "/dev/null":
        return ""
    return name[2:] if re.match(r"[abciow]/", name) else name


def parse(lines: list[str], path: str, *, first_line: int = 1, fence_stripped: bool = False) -> UnifiedDiff:
    """Parse the hunks of a diff of one file.

    Raises:
        EditParseError: no change in it, a part for another file, a binary patch, or a deletion of the file.
    """
    has_hunk_headers = any(line.startswith("@@") for line in lines)
    starts: list[tuple[int, int]] = []  # rows of each hunk
    creates: bool | None = None
    named = ""
    start: int | None = None
    row = 0
    while row < len(lines):
        line = lines[row]
        ends, opens, step = False, start is None, 1
        if line.startswith(("GIT binary patch", "Binary files ")):
            raise EditParseError(first_line + row, "This is a binary patch.", "Only text can be edited.")
        if line.startswith("diff --git "):
            ends, opens, step = True, False, _git_header_length(lines, row)
        elif _opens_file(lines, row, start is not None):
            name = _name(lines[row + 1])
            if creates is not None and not (name and same_file(name, named)):
                raise EditParseError(
                    first_line + row, "The diff has a second file.", "Send the diff of each file by itself."
                )
            creates, named = _check_file(lines, row, path, first_line) or bool(creates), name
            ends, opens, step = True, False, 2
        elif _HUNK.match(line) or _LOOSE_HUNK.match(line):
            ends, opens = True, True
        elif fence_info(line) is not None and (start is None or _rest_is_blank(lines, row + 1)):
            ends, opens = True, False
        else:
            opens = opens and line[:1] in ("+", "-") and not has_hunk_headers
        if ends and start is not None:
            starts.append((start, row))
            start = None
        if opens and start is None:
            start = row if line.startswith("@@") else _first_body_line(lines, row)
        row += step
    if start is not None:
        starts.append((start, len(lines)))
    hunks = [hunk for low, high in starts if (hunk := _hunk(lines, low, high, first_line))]
    if not hunks:
        raise EditParseError(None, "The diff changes nothing.", _FORM)
    return UnifiedDiff(
        text="\n".join(lines), fence_stripped=fence_stripped, hunks=tuple(hunks), creates=bool(creates)
    )


def _git_header_length(lines: list[str], row: int) -> int:
    """How many lines a `diff --git` header has before its `---` line."""
    end = row + 1
    while end < len(lines) and (_EXTENDED.match(lines[end]) or not lines[end].strip()):
        end += 1
    return end - row


def _check_file(lines: list[str], row: int, path: str, first_line: int) -> bool:
    """Whether the file header at `row` creates the file. Raises `EditParseError` for another file."""
    old, new = _name(lines[row]), _name(lines[row + 1])
    if not new:
        raise EditParseError(
            first_line + row, "The diff deletes the file.", "Delete the file instead of editing it."
        )
    if not (old and same_file(old, path)):  # the new name may be one of a copy
        check_same_file(new, path, first_line + row)
    return not old


def _rest_is_blank(lines: list[str], row: int) -> bool:
    return not any(line.strip() for line in lines[row:])


def _first_body_line(lines: list[str], row: int) -> int:
    """For a hunk without a header: the first line of the run of context before the first signed line."""
    while row > 0 and (lines[row - 1][:1] == " " or not lines[row - 1].strip()):
        row -= 1
    return row


def _hunk(lines: list[str], start: int, end: int, first_line: int) -> Hunk | None:
    """The hunk of rows `start:end`; None when it changes nothing."""
    has_header = lines[start].startswith("@@")
    header = _HUNK.match(lines[start])
    rows = _without_tail(lines[start + 1 if has_header else start : end], header)
    while rows and not has_header and rows[0] == "":
        rows = rows[1:]
    body: list[tuple[str, str]] = []
    old_newline = new_newline = True
    for line in rows:
        if line.startswith(_NO_NEWLINE):
            sign = body[-1][0] if body else " "
            old_newline = old_newline and sign == "+"
            new_newline = new_newline and sign == "-"
        elif line[:1] in (" ", "+", "-"):
            body.append((line[0], line[1:]))
        else:
            body.append((" ", line))  # context that lost its space
    if not any(sign != " " for sign, _ in body):
        return None
    section = ""
    if header:
        section = header["section"].strip()
    elif has_header:
        section = _NUMBERS.sub("", lines[start]).strip("@ ").strip(".")
    return Hunk(
        lines=tuple(body),
        line=first_line + start,
        text="\n".join(lines[start:end]),
        old_start=int(header[1]) if header else None,
        old_count=int(header[2] or 1) if header else None,
        scopes=(section,) if section else (),
        old_newline=old_newline,
        new_newline=new_newline,
    )


def _without_tail(rows: list[str], header: re.Match[str] | None) -> list[str]:
    """The rows without what follows a hunk: blank lines, prose, the signature of a mailed patch.

    The header's counts decide where they fit; else blank lines at the end are dropped.
    """
    if header is not None:
        old, new = int(header[2] or 1), int(header[4] or 1)
        for end in range(len(rows) + 1):
            if (old, new) == (0, 0):
                if end < len(rows) and rows[end].startswith(_NO_NEWLINE):
                    end += 1
                if all(_is_tail(line) for line in rows[end:]):
                    return rows[:end]
                break
            if end < len(rows):
                sign = rows[end][:1]
                old -= sign not in ("+", _NO_NEWLINE)
                new -= sign not in ("-", _NO_NEWLINE)
    end = len(rows)
    while end and rows[end - 1] == "":
        end -= 1
    return rows[:end]


def _is_tail(line: str) -> bool:
    return line[:1] not in (" ", "+", "-", _NO_NEWLINE) or line.rstrip() == "--"
