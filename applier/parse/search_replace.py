"""Search/replace blocks: the fences of aider and Cline, the line hints of Roo, and git's conflict style.

    <<<<<<< SEARCH        ------- SEARCH        <<<<<<< ORIGINAL
    old lines             old lines             old lines
    =======               =======               =======
    new lines             new lines             new lines
    >>>>>>> REPLACE       +++++++ REPLACE       >>>>>>> UPDATED

Text around the blocks is ignored, except a file name directly before one, which must be this file's.

The signs may be in lower case, indented alike, or be followed by a colon or the file's name.

Code may hold such lines itself. A complete block inside a block is taken as code. Several dividers in a
block make several readings, and the one that fits the file is chosen later, if there is only one. Anything
else is an error.
"""

from __future__ import annotations

import re

from ..syntax.languages import language_for_path
from ..text.file_lines import FileLines
from .chat.fences import fence_info
from .chat.line_numbers import without_numbers
from .chat.prose import is_file_name
from .edits import EditParseError, SearchBlock, SearchReplace, check_same_file

_OPEN = re.compile(
    r"^(?P<pad> {0,3})(?P<sign><{5,9}|-{5,9}) ?(?:SEARCH|ORIGINAL|HEAD|OLD|BEFORE|CURRENT|search|original)"
    r"(?:[>:]|[: ] *(?P<name>\S+))?\s*$"
)
# A block, even an unfinished one.
_SURE = re.compile(r"^ {0,3}(?:<{5,9}|-{5,9}) ?(?:SEARCH|ORIGINAL|search|original)(?:[>:]|[: ] *\S+)?\s*$")
_DIVIDER = re.compile(r"^(?P<sign>={5,9})\s*$")
_CLOSE = re.compile(
    r"^(?:>{5,9}|\+{5,9}) ?(?:REPLACE|UPDATED|NEW|AFTER|INCOMING|MODIFIED|replace|updated)[<:]?\s*$"
)
_SURE_CLOSE = re.compile(r"^ {0,3}(?:>{5,9}|\+{5,9}) ?(?:REPLACE|UPDATED|replace)[<:]?\s*$")
_START_HINT = re.compile(r"^:start_line: ?(\d{1,9})\s*$")
_OTHER_HINT = re.compile(r"^(?::end_line: ?\d{1,9}|-{5,9})\s*$")
_MOST_DIVIDERS = 16  # of one block, each of which makes a reading
_CONFLICT_OPEN, _CONFLICT_CLOSE = re.compile(r"^<{7}(?: .*)?$"), re.compile(r"^>{7}(?: .*)?$")
_NAME = re.compile(
    r"^[\w@.+~/\\()\[\]-]*[\w)\]]\.\w+$|^[\w@.+~-]+/[\w@.+~/-]+$|^(?:Dockerfile|Makefile|LICENSE)$"
)
_ESCAPED = re.compile(r"^\\(?:<{5,9}|={5,9}|>{5,9}|-{5,9}|\+{5,9}|:start_line:|:end_line:)")
_FORM = "Write it as <<<<<<< SEARCH, old lines, =======, new lines, >>>>>>> REPLACE."


def looks_like(lines: list[str]) -> bool:
    """Whether a line opens a search, or lines open, divide and close a block in this order."""
    if any(_SURE.match(line) or _SURE_CLOSE.match(line) for line in lines):
        return True
    wanted = [_OPEN, _DIVIDER, _CLOSE]
    for line in lines:
        if wanted and wanted[0].match(line):
            wanted.pop(0)
    return not wanted


def opens(line: str) -> bool:
    """Whether a line opens a search for certain."""
    return bool(_SURE.match(line))


def is_sign(line: str) -> bool:
    """Whether a line opens, divides or closes a block."""
    text = line.lstrip(" ")
    return bool(_OPEN.match(text) or _DIVIDER.match(text) or _CLOSE.match(text))


def parse(
    lines: list[str],
    path: str,
    *,
    first_line: int = 1,
    fence_stripped: bool = False,
    file: FileLines | None = None,
) -> SearchReplace:
    """Parse all blocks. `file` are the lines of the file, which tell line numbers from code.

    Raises:
        EditParseError: no block, an unfinished block, or a block for another file.
    """
    blocks: list[SearchBlock] = []
    conflicts = _conflicts(lines)
    row = 0
    while row < len(lines):
        if _CLOSE.match(lines[row].lstrip(" ")):
            raise EditParseError(
                first_line + row, "This line ends a block that no SEARCH line opened.", _FORM
            )
        if opening := _OPEN.match(lines[row]):
            if opening["name"] and is_file_name(opening["name"]):
                check_same_file(opening["name"], path, first_line + row)
            else:
                _check_name(lines, row, path, first_line)
            end, dividers = _extent(lines, row, len(opening["pad"]), first_line, conflicts)
            blocks.append(_block(lines, row, end, dividers, first_line, file))
            row = end
        row += 1
    if not blocks:
        raise EditParseError(None, "The edit has no search/replace block.", _FORM)
    return SearchReplace(text="\n".join(lines), fence_stripped=fence_stripped, blocks=tuple(blocks))


def _extent(
    lines: list[str], start: int, pad: int, first_line: int, conflicts: set[int]
) -> tuple[int, list[int]]:
    """(row of the close, rows of the dividers) of the block that opens at `start`; blocks inside are code.
    `pad` is the white space before the signs.
    """
    depth = 0
    dividers: list[int] = []
    for row in range(start, len(lines)):
        if row in conflicts:
            continue
        line = lines[row][pad:] if lines[row][:pad].isspace() else lines[row]
        if _OPEN.match(line):
            depth += 1
        elif _DIVIDER.match(line):
            if depth == 1:
                dividers.append(row)
        elif _CLOSE.match(line):
            depth -= 1
            if depth == 0:
                if not dividers:
                    raise EditParseError(first_line + start, "This block has no ======= line.", _FORM)
                return row, dividers
    raise EditParseError(first_line + start, "This block is not closed.", _FORM)


def _conflicts(lines: list[str]) -> set[int]:
    """The rows of git's conflicts in the code, from the first sign to the last."""
    rows: set[int] = set()
    start: int | None = None
    divided = False
    for row, line in enumerate(lines):
        if _SURE.match(line) or _CLOSE.match(line):
            start = None
        elif _CONFLICT_OPEN.match(line):
            start, divided = row, False
        elif start is not None and line.rstrip() == "=======":
            divided = True
        elif start is not None and divided and _CONFLICT_CLOSE.match(line):
            rows.update(range(start, row + 1))
            start = None
    return rows


def _block(
    lines: list[str], start: int, end: int, dividers: list[int], first_line: int, file: FileLines | None
) -> SearchBlock:
    opening = _OPEN.match(lines[start])
    length = len(opening["sign"]) if opening else 7
    same_length = [row for row in dividers if len(lines[row].strip()) == length]
    if len(same_length or dividers) > _MOST_DIVIDERS:
        raise EditParseError(
            first_line + start,
            f"This block has {len(dividers)} lines that look like its divider.",
            "Use a unified diff.",
        )
    body, hint = start + 1, None
    if not _is_text(lines, body, dividers[0], file):
        while body < dividers[0]:
            stated = _START_HINT.match(lines[body])
            if stated:
                hint = int(stated[1])
            elif hint is None or not _OTHER_HINT.match(lines[body]):
                break
            body += 1
    escaped = any(_ESCAPED.match(line) for line in lines[body:end])
    splits = []
    for row in (row for row in same_length or dividers if row >= body):
        search, replace = lines[body:row], lines[row + 1 : end]
        if (numbered := without_numbers(search, file)) is not None:
            search, hint = numbered[0], numbered[1] if hint is None else hint
            copied = without_numbers(replace, file, proven=True)
            replace = copied[0] if copied is not None else replace
        if escaped:
            search, replace = _unescaped(search, search, file), _unescaped(replace, search, file)
        splits.append((tuple(search), tuple(replace)))
    return SearchBlock(
        search=splits[0][0],
        replace=splits[0][1],
        line=first_line + start,
        text="\n".join(lines[start : end + 1]),
        start_line=hint,
        other_splits=tuple(splits[1:]),
    )


def _is_text(lines: list[str], body: int, divider: int, file: FileLines | None) -> bool:
    """Whether what reads as a hint is a line of the file: the replacement repeats it."""
    if file is None or body >= divider or not _START_HINT.match(lines[body]):
        return False
    return file.has(lines[body]) and any(line == lines[body] for line in lines[divider + 1 :][:2])


def _unescaped(part: list[str], search: list[str], file: FileLines | None) -> list[str]:
    """The lines without the backslash that keeps a sign in the code from being one, where the file has it
    so.
    """
    if file is None or any(file.has(line) for line in (*search, *part) if _ESCAPED.match(line)):
        return part
    return [line[1:] if _ESCAPED.match(line) else line for line in part]


def _check_name(lines: list[str], start: int, path: str, first_line: int) -> None:
    row = start - 1
    while row >= 0 and (not lines[row].strip() or fence_info(lines[row]) is not None):
        words = (fence_info(lines[row]) or "").split()
        if words and _NAME.match(words[-1]):
            check_same_file(words[-1], path, first_line + row)
            return
        row -= 1
    if row >= 0:
        name = lines[row].strip().strip("#*`: ")
        if start - row <= 3 and _NAME.match(name) and ("/" in name or language_for_path(name)):
            check_same_file(name, path, first_line + row)
