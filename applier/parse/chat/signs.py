"""Snippets whose changed lines have the signs of a diff, but which are no diff: their context may lack its
space, and placeholders stand for what they leave out.

    # ... existing code ...
    def f():
    -    return 1
    +    return 2

They are hunks between the placeholders. A line below which a placeholder stands, and which is less deep
than what comes after, is the scope of the next hunk.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...text.file_lines import FileLines
from ...text.indentation import white
from ..edits import Hunk, UnifiedDiff
from ..markers import MarkerKind, find_markers

_LISTS = frozenset({"markdown", "text", "yaml", None})  # "- item" is their own there


def is_signed(lines: Sequence[str], language: str | None, file: FileLines | None, *, stated: bool) -> bool:
    """Whether lines carry signs: those that are removed stand in the file without them, and none with them.

    `stated`: a fence says "diff".
    """
    if any(line.startswith(("@@", "--- ", "+++ ", "*** ", "<<<<<<<")) for line in lines):
        return False
    removed = [line[1:] for line in lines if line.startswith("-") and line[1:].strip()]
    added = [line for line in lines if line.startswith("+")]
    if file is None or not file:
        return False
    file.seek([*lines, *removed])
    if (not removed and not added) or any(
        file.has(line) for line in (*added, *("-" + line for line in removed))
    ):
        return False
    if not all(file.has(line) for line in removed):
        return stated and any(file.has(line) for line in removed)
    if language in _LISTS or not removed:
        others = [line for line in lines if line.strip() and line[0] not in "+-"]
        known = sum(map(file.has, others))
        lists = language in _LISTS and not added
        return (
            bool(added)
            and not lists
            and (bool(removed) or (2 * known >= len(others) > 0 and language not in _LISTS))
        )
    return True


def from_signs(
    lines: Sequence[str], rows: Sequence[int], language: str | None, file: FileLines
) -> UnifiedDiff:
    """The hunks of a snippet with signs. `rows` are the 0-based lines of the sent edit.

    Placeholders are the lines that read so without their sign or its space.
    """
    width = _sign_width(lines, file)
    spaced = _has_space(lines, width, file)
    bare = [_bare(line, width, spaced) for line in lines]
    markers = {
        at
        for at, kind in find_markers([text for _, text in bare], language).items()
        if bare[at][0] == " " and kind is not MarkerKind.DELETE and not file.has(bare[at][1])
    }
    hunks: list[Hunk] = []
    scope: str | None = None
    start = 0
    for end in (*sorted(markers), len(lines)):
        body = bare[start:end]
        low, high = start, end
        while body and body[0] == (" ", ""):
            body, low = body[1:], low + 1
        while body and body[-1] == (" ", ""):
            body, high = body[:-1], high - 1
        if any(sign != " " for sign, _ in body):
            under = scope is not None and len(white(scope)) < len(white(body[0][1]))
            hunks.append(
                Hunk(
                    lines=tuple(body),
                    line=rows[low] + 1,
                    text="\n".join(lines[low:high]),
                    scopes=(scope.strip(),) if under and scope is not None else (),
                )
            )
        context = [text for sign, text in body if sign == " " and text.strip() and file.has(text)]
        scope = context[-1] if context and body[-1][0] == " " else scope if not body else None
        start = end + 1
    return UnifiedDiff(text="\n".join(lines), hunks=tuple(hunks))


def _bare(line: str, width: int, spaced: bool) -> tuple[str, str]:
    if line[:1] in ("+", "-"):
        return line[0], line[width:] if line[1:width].strip() == "" else line[1:]
    if not line.strip():
        return " ", ""
    return " ", line[width:] if spaced and line[:width].isspace() else line


def _sign_width(lines: Sequence[str], file: FileLines) -> int:
    """Whether a space belongs to the sign: removed lines stand in the file so, and not with it."""
    removed = [line for line in lines if line.startswith("-") and line[1:].strip()]
    plain = sum(any(file[row] == line[1:] for row in file.rows(line[1:])) for line in removed)
    apart = sum(
        any(file[row] == line[2:] for row in file.rows(line[1:])) for line in removed if line[1:2] == " "
    )
    return 2 if apart > plain else 1


def _has_space(lines: Sequence[str], width: int, file: FileLines) -> bool:
    """Whether unchanged lines have white space in the place of a sign."""
    context = [line for line in lines if line.strip() and line[0] not in "+-"]
    with_space = sum(
        any(file[row] == line[width:] for row in file.rows(line)) for line in context if line[0] == " "
    )
    without = sum(any(file[row] == line for row in file.rows(line)) for line in context)
    return with_space > without
