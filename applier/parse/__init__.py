"""Edit formats: from the text of an edit to what it says.

`parse_edit` is the only entry. Parsers are lenient about what cannot be misread (fences, missing counts,
blank context without its space) and refuse the rest with the line, the cause and what to do.
"""

from __future__ import annotations

from ..text.source_text import split_lines
from ..types import EditFormat
from . import markers, search_replace, unified_diff, v4a
from .edits import (
    EditParseError,
    Hunk,
    LazySnippet,
    ParsedEdit,
    SearchBlock,
    SearchReplace,
    UnifiedDiff,
    V4APatch,
    WholeFile,
)
from .fences import Unfenced, strip_outer_fence
from .reply import block_of_reply

__all__ = [
    "EditParseError",
    "Hunk",
    "LazySnippet",
    "ParsedEdit",
    "SearchBlock",
    "SearchReplace",
    "UnifiedDiff",
    "V4APatch",
    "WholeFile",
    "detect_format",
    "parse_edit",
]


def detect_format(text: str, language: str | None = None) -> EditFormat:
    """The format that the text has the marks of; a lazy snippet when it has none.

    A whole file cannot be told from a snippet that leaves its ends out, and is never detected.
    """
    try:
        return _detect(_unfence(split_lines(text), language))
    except EditParseError:  # a reply of several snippets, or of half a one
        return EditFormat.LAZY


def _unfence(lines: list[str], language: str | None, path: str = "") -> Unfenced:
    # A fence around a diff or a patch is a wrapper in any language.
    inner = strip_outer_fence(lines, None)
    if inner.stripped and _detect(inner) is not EditFormat.LAZY:
        return inner
    whole = strip_outer_fence(lines, language)
    if whole.stripped or _detect(whole) is not EditFormat.LAZY:
        return whole
    return block_of_reply(lines, language, path) or whole


def _detect(edit: Unfenced) -> EditFormat:
    if v4a.looks_like(edit.lines):
        return EditFormat.V4A
    if search_replace.looks_like(edit.lines):
        return EditFormat.SEARCH_REPLACE
    if unified_diff.looks_like(edit.lines):
        return EditFormat.UNIFIED_DIFF
    if edit.info in ("diff", "patch") and any(line[:1] in ("+", "-") for line in edit.lines):
        return EditFormat.UNIFIED_DIFF
    return EditFormat.LAZY


def parse_edit(
    text: str,
    format: EditFormat = EditFormat.AUTO,
    path: str = "",
    language: str | None = None,
    *,
    fenced: bool = False,
) -> ParsedEdit:
    """Parse an edit of the file at `path`.

    Args:
        text: the edit as decoded text, with any line ends.
        format: AUTO detects it.
        path: where the edit names a file, it must be this one; "" is any file.
        language: name for elision markers and fences, None when unknown.
        fenced: the file itself begins and ends with fences, so those of a whole file are its own.

    Raises:
        EditParseError: the text cannot be read as its format.
    """
    if not text.strip():
        raise EditParseError(None, "The edit is empty.", "Send the changed lines.")
    if format is EditFormat.WHOLE_FILE and fenced:
        edit = Unfenced(split_lines(text), 1, False)
    else:
        edit = _unfence(split_lines(text), language, path)
    if format is EditFormat.AUTO:
        format = _detect(edit)
    lines, first_line, stripped = edit.lines, edit.first_line, edit.stripped
    if format is EditFormat.SEARCH_REPLACE:
        return search_replace.parse(lines, path, first_line=first_line, fence_stripped=stripped)
    if format is EditFormat.UNIFIED_DIFF:
        return unified_diff.parse(lines, path, first_line=first_line, fence_stripped=stripped)
    if format is EditFormat.V4A:
        return v4a.parse(lines, path, first_line=first_line, fence_stripped=stripped)
    if format is EditFormat.LAZY:
        filled = [row for row, line in enumerate(lines) if line.strip()]
        low, high = (filled[0], filled[-1] + 1) if filled else (len(lines), len(lines))
        lines, first_line = lines[low:high], first_line + low
    lines = [lines[0].removeprefix("\ufeff"), *lines[1:]] if lines else lines
    found = markers.find_markers(lines, language, stub=path.endswith(".pyi"))
    if found and not any(line.strip() for row, line in enumerate(lines) if row not in found):
        raise EditParseError(first_line, "There is nothing but placeholders.", "Show the code that changes.")
    body = "\n".join(lines)
    if format is EditFormat.LAZY:
        return LazySnippet(
            text=body, fence_stripped=stripped, lines=tuple(lines), markers=found, line=first_line
        )
    return WholeFile(
        text=body,
        fence_stripped=stripped,
        lines=tuple(lines),
        markers=found,
        final_newline=stripped or text.endswith(("\n", "\r")),
    )
