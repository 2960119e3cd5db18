"""Unchanged code that an edit shows shortened: a scope as its head with dots for a body, `def f(): ...`,
`f() { ... }`, `call(...)`; a line as its beginning, `- Added support for ...`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..parse.markers import MarkerKind, placeholder, without_trailing_marker
from ..syntax.languages import get
from ..text.file_lines import FileLines
from ..text.indentation import white

_DOTS = r"(?:\.{3}|…|/\*\s*(?:\.{3}|…)\s*\*/|//\s*(?:\.{3}|…))"
_BRACES = re.compile(rf"^(?P<head>.*\S\s*[\[{{(])\s*{_DOTS}\s*[\]}})](?P<tail>[;,)\]}}]*)$")
_COLON = re.compile(r"^(?P<head>.*\S:)\s*(?:#\s*)?(?:\.{3}|…)$")
_CLOSE = re.compile(r"^[\]})]+[;,]*$")
_CUT = re.compile(r"^(?P<start>.*[^\s.…])\s*(?:\.{3}|…)$")
_LONG_ENOUGH = 4  # letters and digits of the beginning of a line
_MOST_CUT = 32
# Bodies of dots are code under these.
_STUBBED = re.compile(r"overload|abstract|Protocol")
_LEAST_BODY = 2
_COLONS = frozenset({"python"})
_DOTS_IN_BRACES = frozenset({"python", "markdown", "text", "perl"})


def unfolded(
    edit: Sequence[str], markers: Mapping[int, MarkerKind], file: FileLines, language: str | None
) -> dict[int, list[str]]:
    """The lines of the file's scope for each row that folds one: its head, and a marker for
    all below it.

    The file must have the head once, with a body of several lines, and not the folded line itself.
    """
    entry = get(language)
    if entry is None:
        return {}
    patterns = (_COLON, _BRACES) if entry.name in _COLONS else (_BRACES,)
    folded = {
        row: match
        for row, line in enumerate(edit)
        if row not in markers and ("..." in line or "…" in line)
        if (
            match := _match(patterns, line.rstrip())
            or _match(patterns, without_trailing_marker(line, language))
        )
    }
    if not folded:
        return {}
    file.seek([match["head"] for match in folded.values()])
    found: dict[int, list[str]] = {}
    for row, match in folded.items():
        heads = file.rows(match["head"])
        if len(heads) != 1 or file.has(edit[row]):
            continue
        at = heads[0]
        end = _end(file, at)
        body = [line for line in file[at + 1 : end] if line.strip()]
        braces = match.re is _BRACES
        if len(body) < _LEAST_BODY or (not braces and _is_stub(edit, row, body)):
            continue
        marker = white(body[0]) + placeholder(language)
        if braces and (end == len(file) or not _CLOSE.match(file.text(end))):
            continue
        found[row] = [file[at], marker]
    return found


def _match(patterns: Sequence[re.Pattern[str]], line: str) -> re.Match[str] | None:
    return next(filter(None, (pattern.match(line) for pattern in patterns)), None)


def completed(
    edit: Sequence[str], markers: Mapping[int, MarkerKind], file: FileLines
) -> dict[int, list[str]]:
    """The file's line for each row that is the beginning of one, and dots. One line only may begin so."""
    found: dict[int, list[str]] = {}
    cut = [
        row for row, line in enumerate(edit) if row not in markers and line.rstrip().endswith(("...", "…"))
    ]
    for row in cut[:_MOST_CUT]:
        match = _CUT.match(edit[row].strip())
        if match is None or sum(map(str.isalnum, match["start"])) < _LONG_ENOUGH or file.has(edit[row]):
            continue
        start = match["start"]
        longer = [
            at for at in file.rows_with(start) if file.text(at).startswith(start) and file.text(at) != start
        ]
        if len(longer) == 1:
            found[row] = [white(edit[row]) + file.text(longer[0])]
    return found


def folded_row(
    edit: Sequence[str], markers: Mapping[int, MarkerKind], file: FileLines, language: str | None
) -> int | None:
    """The first row of `f() { ... }` that is no line of the file: no code, and left over by `unfolded`.

    None for languages in which it may be code or prose.
    """
    entry = get(language)
    if entry is None or entry.name in _DOTS_IN_BRACES:
        return None
    for row, line in enumerate(edit):
        text = line.strip()
        comment = text.startswith(("//", "/*", "*", "#", "<!--", "--"))
        if row not in markers and not comment and _BRACES.match(text) and not file.has(text):
            return row
    return None


def _end(file: Sequence[str], head: int) -> int:
    """The first line of text after the head that is not deeper."""
    depth = len(white(file[head]))
    for row in range(head + 1, len(file)):
        if file[row].strip() and len(white(file[row])) <= depth:
            return row
    return len(file)


def _is_stub(lines: Sequence[str], row: int, body: Sequence[str]) -> bool:
    """Whether Python's dots may be the new body: a declaration, or one of several of the same name."""
    above = row - 1
    while above >= 0 and lines[above].lstrip().startswith("@"):
        if _STUBBED.search(lines[above]):
            return True
        above -= 1
    depth = len(white(lines[row]))
    owner = next((line for line in lines[row::-1] if line.strip() and len(white(line)) < depth), "")
    if _STUBBED.search(owner) or re.search(r"\bABC\b", owner):
        return True
    return body[-1].strip() == "..."
