"""Search/replace blocks: the fences of aider and Cline, the line hints of Roo, and git's conflict style.

    <<<<<<< SEARCH        ------- SEARCH        <<<<<<< ORIGINAL
    old lines             old lines             old lines
    =======               =======               =======
    new lines             new lines             new lines
    >>>>>>> REPLACE       +++++++ REPLACE       >>>>>>> UPDATED

Text around the blocks is ignored, except a file name directly before one, which must be this file's.

Code may hold such lines itself. A complete block inside a block is taken as code. Several dividers in a
block make several readings, and the one that fits the file is chosen later, if there is only one. Anything
else is an error.
"""

from __future__ import annotations

import re

from ..syntax.languages import language_for_path
from .edits import EditParseError, SearchBlock, SearchReplace, check_same_file
from .fences import fence_info

_OPEN = re.compile(r"^(?P<sign><{5,9}|-{5,9}) ?(?:SEARCH|ORIGINAL|HEAD|OLD|BEFORE|CURRENT)>?\s*$")
_SURE = re.compile(r"^(?:<{5,9}|-{5,9}) ?(?:SEARCH|ORIGINAL)>?\s*$")  # a block, even an unfinished one
_DIVIDER = re.compile(r"^(?P<sign>={5,9})\s*$")
_CLOSE = re.compile(r"^(?:>{5,9}|\+{5,9}) ?(?:REPLACE|UPDATED|NEW|AFTER|INCOMING|MODIFIED)>?\s*$")
_START_HINT = re.compile(r"^:start_line: ?([0-9]{1,9})\s*$")  # more digits are no line's number
_OTHER_HINT = re.compile(r"^(?::end_line: ?[0-9]+|-{5,9})\s*$")
_MOST_DIVIDERS = 16  # of one block, each of which makes a reading
_NAME = re.compile(
    r"^[\w@.+~/\\()\[\]-]*[\w)\]]\.\w+$|^[\w@.+~-]+/[\w@.+~/-]+$|^(?:Dockerfile|Makefile|LICENSE)$"
)
_FORM = "Write it as <<<<<<< SEARCH, old lines, =======, new lines, >>>>>>> REPLACE."


def looks_like(lines: list[str]) -> bool:
    """Whether a line opens a search, or lines open, divide and close a block in this order."""
    if any(_SURE.match(line) for line in lines):
        return True
    wanted = [_OPEN, _DIVIDER, _CLOSE]
    for line in lines:
        if wanted and wanted[0].match(line):
            wanted.pop(0)
    return not wanted


def parse(lines: list[str], path: str, *, first_line: int = 1, fence_stripped: bool = False) -> SearchReplace:
    """Parse all blocks.

    Raises:
        EditParseError: no block, an unfinished block, or a block for another file.
    """
    blocks: list[SearchBlock] = []
    row = 0
    while row < len(lines):
        if _CLOSE.match(lines[row]):
            raise EditParseError(
                first_line + row, "This line ends a block that no SEARCH line opened.", _FORM
            )
        if _OPEN.match(lines[row]):
            _check_name(lines, row, path, first_line)
            end, dividers = _extent(lines, row, first_line)
            blocks.append(_block(lines, row, end, dividers, first_line))
            row = end
        row += 1
    if not blocks:
        raise EditParseError(None, "The edit has no search/replace block.", _FORM)
    return SearchReplace(text="\n".join(lines), fence_stripped=fence_stripped, blocks=tuple(blocks))


def _extent(lines: list[str], start: int, first_line: int) -> tuple[int, list[int]]:
    """(row of the close, rows of the dividers) of the block that opens at `start`; blocks inside are code."""
    depth = 0
    dividers: list[int] = []
    for row in range(start, len(lines)):
        line = lines[row]
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


def _block(lines: list[str], start: int, end: int, dividers: list[int], first_line: int) -> SearchBlock:
    opening = _OPEN.match(lines[start])
    length = len(opening["sign"]) if opening else 7
    same_length = [row for row in dividers if len(lines[row].rstrip()) == length]
    if len(same_length or dividers) > _MOST_DIVIDERS:
        raise EditParseError(
            first_line + start,
            f"This block has {len(dividers)} lines that look like its divider.",
            "Use a unified diff.",
        )
    body = start + 1
    hint: int | None = None
    while body < dividers[0]:
        stated = _START_HINT.match(lines[body])
        if stated and lines[body] not in (lines[row + 1] for row in (same_length or dividers)):
            hint = int(stated[1])  # what the new lines begin with too is a line of the file
        elif hint is None or not _OTHER_HINT.match(lines[body]):
            break
        body += 1
    splits = [
        (tuple(lines[body:row]), tuple(lines[row + 1 : end]))
        for row in (same_length or dividers)
        if row >= body
    ]
    return SearchBlock(
        search=splits[0][0],
        replace=splits[0][1],
        line=first_line + start,
        text="\n".join(lines[start : end + 1]),
        start_line=hint,
        other_splits=tuple(splits[1:]),
    )


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
