"""Edit formats: from the text of an edit to what it says.

`parse_edit` is the only entry. Parsers are lenient about what cannot be misread (fences, talk, tags, line
numbers, missing counts, blank context without its space) and refuse the rest with the line, the cause and
what to do. Every line of the text has a role in what comes out (`Role`), so none is dropped unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ..syntax.languages import canonical
from ..text.file_lines import FileLines
from ..text.source_text import split_lines
from ..types import EditFormat
from . import markers, search_replace, unified_diff, v4a
from .chat.fences import FENCED_LANGUAGES, fence_info, fenced_blocks, outer_fence
from .chat.layout import Layout
from .chat.line_numbers import without_numbers
from .chat.prose import is_code
from .chat.reply import blocks_of_reply
from .chat.signs import from_signs, is_signed
from .chat.wrappers import name_row, take_off_name, take_off_wrappers
from .edits import (
    EditParseError,
    Hunk,
    LazySnippet,
    ParsedEdit,
    Role,
    SearchBlock,
    SearchReplace,
    UnifiedDiff,
    V4APatch,
    WholeFile,
)
from .marker_words import MarkerKind
from .readings import Reading, as_read, readings

__all__ = [
    "EditParseError",
    "Hunk",
    "LazySnippet",
    "ParsedEdit",
    "Reading",
    "Role",
    "SearchBlock",
    "SearchReplace",
    "UnifiedDiff",
    "V4APatch",
    "WholeFile",
    "detect_format",
    "parse_edit",
    "readings",
]


def detect_format(text: str, language: str | None = None) -> EditFormat:
    """The format that the text has the marks of; a lazy snippet when it has none.

    A whole file cannot be told from a snippet that leaves its ends out, and is never detected.
    """
    try:
        return _detect(_lay_out(split_lines(text), language, "", None))
    except EditParseError:  # half a reply, or one for another file
        return EditFormat.LAZY


def _lay_out(lines: list[str], language: str | None, path: str, file: FileLines | None) -> Layout:
    """The text without what is around the edit. A fence around a diff or a patch is a wrapper in any
    language.
    """
    layout = _unwrapped(lines, language, path, file)
    if _unfence(layout, None) and _detect(layout) is not EditFormat.LAZY:
        return layout
    layout = _unwrapped(lines, language, path, file)
    unfenced = _unfence(layout, language) or (_is_plain(layout, language, file) and _unfence(layout, None))
    if not unfenced and _detect(layout) is EditFormat.LAZY:
        unfenced = blocks_of_reply(layout, language, path, file)
    if unfenced and not layout.cuts:
        take_off_wrappers(layout, language, path, file)
    return layout


def _unwrapped(lines: list[str], language: str | None, path: str, file: FileLines | None) -> Layout:
    layout = Layout.of(lines)
    take_off_name(layout, language, path, file)
    take_off_wrappers(layout, language, path, file)
    return layout


def _is_plain(layout: Layout, language: str | None, file: FileLines | None) -> bool:
    """Whether a fence around an edit of prose that names no language is no part of a file that has none."""
    ends = layout.ends()
    if not file or language not in FENCED_LANGUAGES or ends is None:
        return False
    return fence_info(layout.lines[ends[0]]) in ("", "text", "txt") and all(
        fence_info(line) is None for line in file
    )


def _unfence(layout: Layout, language: str | None) -> bool:
    outer = outer_fence(layout.lines, language)
    if outer is None:
        return False
    layout.mark((outer.opening, outer.close), Role.WRAPPER)
    fences = [layout.rows[outer.opening], layout.rows[outer.close]]
    layout.keep([range(outer.opening + 1, outer.close)])
    for row in fences:
        layout.roles[row] = Role.WRAPPER
    layout.info, layout.unfenced = outer.word, True
    return True


def _detect(layout: Layout) -> EditFormat:
    lines = layout.lines
    if v4a.looks_like(lines):
        return EditFormat.V4A
    if search_replace.looks_like(lines):
        return EditFormat.SEARCH_REPLACE
    if unified_diff.looks_like(lines):
        return EditFormat.UNIFIED_DIFF
    if layout.info in ("diff", "patch") and any(line[:1] in ("+", "-") for line in lines):
        return EditFormat.UNIFIED_DIFF
    return EditFormat.WHOLE_FILE if layout.whole else EditFormat.LAZY


def parse_edit(
    text: str,
    format: EditFormat = EditFormat.AUTO,
    path: str = "",
    language: str | None = None,
    file: Sequence[str] | None = None,
) -> ParsedEdit:
    """Parse an edit of the file at `path`.

    Args:
        text: the edit as decoded text, with any line ends.
        format: AUTO detects it.
        path: where the edit names a file, it must be this one; "" is any file.
        language: name for elision markers and fences, None when unknown.
        file: the lines of the file, which tell talk, placeholders and line numbers from code; None when
            unknown.

    Raises:
        EditParseError: the text cannot be read as its format.
    """
    if not text.strip():
        raise EditParseError(None, "The edit is empty.", "Send the changed lines.")
    sent = split_lines(text)
    known = None if file is None else FileLines.of(file)
    if format is EditFormat.WHOLE_FILE and file and _is_fenced(file):
        layout = Layout.of(sent)
    else:
        layout = _lay_out(sent, language, path, known)
    if format is EditFormat.AUTO:
        format = _detect(layout)
    if format in (EditFormat.SEARCH_REPLACE, EditFormat.UNIFIED_DIFF, EditFormat.V4A):
        stated = layout.info in ("diff", "patch")
        if (
            format is EditFormat.UNIFIED_DIFF
            and known
            and is_signed(layout.lines, language, known, stated=stated)
            and _elides(layout, language)
        ):
            return _with_roles(
                from_signs(layout.lines, layout.rows, language, known), layout, language, known
            )
        return _with_roles(_parse_parts(format, layout, path, known), layout, language, known)
    if format is EditFormat.LAZY and known and is_signed(layout.lines, language, known, stated=False):
        return _with_roles(from_signs(layout.lines, layout.rows, language, known), layout, language, known)
    _take_off_numbers(layout, path, known)
    if format is EditFormat.LAZY:
        return _lazy(layout, path, language, known)
    return _whole(layout, text, path, language)


def _is_fenced(file: Sequence[str]) -> bool:
    """Whether a file begins and ends with fences, so that those of a whole file are its own."""
    filled = [line for line in (file[0], file[-1], file[-2] if len(file) > 1 else "") if line.strip()]
    return len(filled) > 1 and all(fence_info(line) is not None for line in filled[:2])


def _elides(layout: Layout, language: str | None) -> bool:
    return bool(
        markers.find_markers([line[1:] if line[:1] == " " else line for line in layout.lines], language)
    )


def _take_off_numbers(layout: Layout, path: str, file: FileLines | None) -> None:
    """Takes the line numbers of a listing off each block, and a comment in front that names the file."""
    edges = [0, *layout.cuts, len(layout.lines)]
    names = []
    for start, end in pairwise(edges):
        bare = without_numbers(layout.lines[start:end], file)
        if bare is not None:
            layout.lines[start:end] = bare[0]
        if (row := name_row(layout, start, end, path, file)) is not None:
            names.append(row)
    layout.drop(names, Role.WRAPPER)


def _parse_parts(
    format: EditFormat, layout: Layout, path: str, file: FileLines | None
) -> SearchReplace | UnifiedDiff | V4APatch:
    """Blocks or hunks, with the lines of the sent text."""
    rows = layout.rows
    try:
        if format is EditFormat.SEARCH_REPLACE:
            parsed = search_replace.parse(layout.lines, path, fence_stripped=layout.unfenced, file=file)
            blocks = tuple(replace(block, line=rows[block.line - 1] + 1) for block in parsed.blocks)
            return replace(parsed, blocks=blocks)
        parser = unified_diff if format is EditFormat.UNIFIED_DIFF else v4a
        found = parser.parse(layout.lines, path, fence_stripped=layout.unfenced)
        return replace(
            found, hunks=tuple(replace(hunk, line=rows[hunk.line - 1] + 1) for hunk in found.hunks)
        )
    except EditParseError as error:
        if error.line is None or not rows:
            raise
        raise EditParseError(rows[min(error.line, len(rows)) - 1] + 1, error.why, error.hint) from None


def _with_roles(
    parsed: SearchReplace | UnifiedDiff | V4APatch,
    layout: Layout,
    language: str | None,
    file: FileLines | None,
) -> ParsedEdit:
    """The blocks or hunks, and what each line is: code in them, wrapper or talk around them. One that changes
    nothing is left out beside others that do.

    Raises:
        EditParseError: an edit of another format, or code of the file, stands outside of them.
    """
    parts: Sequence[SearchBlock | Hunk] = parsed.blocks if isinstance(parsed, SearchReplace) else parsed.hunks
    at = {row: index for index, row in enumerate(layout.rows)}
    inside = {
        index
        for part in parts
        for index in range(at[part.line - 1], at[part.line - 1] + len(part.text.split("\n")))
    }
    roles = list(layout.roles)
    for index, (row, line) in enumerate(zip(layout.rows, layout.lines, strict=True)):
        if _is_header(line):
            roles[row] = Role.WRAPPER
        elif index not in inside:
            context = not isinstance(parsed, SearchReplace) and (
                line[:1] == " " or bool(file and file.has(line))
            )
            marks = isinstance(parsed, UnifiedDiff) and markers.marker_kind(line, language) is not None
            roles[row] = Role.MARKER if marks else Role.CODE if context else Role.TALK
    _check_outside(parsed, layout, inside, language, file)
    if isinstance(parsed, SearchReplace):
        blocks = tuple(one for one in parsed.blocks if one.search != one.replace or one.other_splits)
        return replace(parsed, roles=tuple(roles), blocks=blocks or parsed.blocks)
    hunks = tuple(one for one in parsed.hunks if one.old != one.new or one.old_newline is not one.new_newline)
    return replace(parsed, roles=tuple(roles), hunks=hunks or parsed.hunks)


def _check_outside(
    parsed: ParsedEdit, layout: Layout, inside: set[int], language: str | None, file: FileLines | None
) -> None:
    """Raises `EditParseError` where something of another format stands outside of the blocks or hunks."""
    others = [index for index in range(len(layout.lines)) if index not in inside]
    for index in others:
        line, below = layout.lines[index], layout.lines[index + 1 : index + 2]
        what = ""
        if v4a.begins(line) and not isinstance(parsed, V4APatch):
            what = "a patch"
        elif search_replace.opens(line) and not isinstance(parsed, SearchReplace):
            what = "a search/replace block"
        elif (
            line.startswith("--- ")
            and below
            and below[0].startswith("+++ ")
            and not isinstance(parsed, UnifiedDiff)
        ):
            what = "a diff"
        if what:
            raise EditParseError(
                layout.rows[index] + 1,
                f"Here is {what}, but the rest of the edit is of another format.",
                "Send all changes in one format.",
            )
    if isinstance(parsed, V4APatch) or file is None:
        return
    for block in fenced_blocks(layout.lines):
        body = range(block.opening + 1, block.close)
        ours = canonical(block.word) == language and language not in FENCED_LANGUAGES
        if ours and inside.isdisjoint(body) and any(is_code(layout.lines[index]) for index in body):
            raise EditParseError(
                layout.rows[block.opening] + 1,
                "This code block is no part of the edit's blocks or hunks.",
                "Send all changes in one format.",
            )


def _is_header(line: str) -> bool:
    return (
        fence_info(line) is not None
        or search_replace.is_sign(line)
        or unified_diff.is_header(line)
        or v4a.is_header(line)
    )


def _lazy(layout: Layout, path: str, language: str | None, file: FileLines | None) -> LazySnippet:
    lines, rows, cuts = _joined(layout, language)
    filled = [row for row, line in enumerate(lines) if line.strip()]
    first, last = (filled[0], filled[-1]) if filled else (0, -1)
    lines, rows, cuts = lines[first : last + 1], rows[first : last + 1], [cut - first for cut in cuts]
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    stub = path.endswith(".pyi")
    found = {} if file is not None else markers.find_markers(lines, language, stub=stub)
    found |= dict.fromkeys(cuts, MarkerKind.ELIDE)
    roles = list(layout.roles)
    for row, kind in found.items():
        if kind is not None and row not in cuts:
            roles[rows[row]] = Role.MARKER
    snippet = LazySnippet(
        text="\n".join(lines),
        fence_stripped=layout.unfenced,
        roles=tuple(roles),
        lines=tuple(lines),
        markers=dict(sorted(found.items())),
        rows=tuple(rows),
        cuts=frozenset(cuts),
    )
    if file is not None:
        snippet = as_read(snippet, file, language, stub=stub)
    _check_code(snippet.lines, snippet.markers, snippet.line)
    return snippet


def _joined(layout: Layout, language: str | None) -> tuple[list[str], list[int], list[int]]:
    """The lines of all blocks with a placeholder at each cut, their rows, and the indexes of the cuts."""
    lines: list[str] = []
    rows: list[int] = []
    cuts: list[int] = []
    edges = [0, *layout.cuts, len(layout.lines)]
    for start, end in pairwise(edges):
        if not any(line.strip() for line in layout.lines[start:end]):
            continue
        if lines or layout.appends:
            cuts.append(len(lines))
            lines.append(markers.placeholder(language))
            rows.append(rows[-1] if rows else max(0, layout.rows[start] - 1))
        lines += layout.lines[start:end]
        rows += layout.rows[start:end]
    return lines, rows, cuts


def _check_code(lines: Sequence[str], found: dict[int, MarkerKind], line: int) -> None:
    if found and not any(text.strip() for row, text in enumerate(lines) if row not in found):
        raise EditParseError(line, "There is nothing but placeholders.", "Show the code that changes.")


def _whole(layout: Layout, text: str, path: str, language: str | None) -> WholeFile:
    if layout.cuts:
        raise EditParseError(
            layout.rows[layout.cuts[0]],
            f"This is the second of {len(layout.cuts) + 1} code blocks.",
            "Send the file in one.",
        )
    lines = layout.lines
    lines = [lines[0].removeprefix("\ufeff"), *lines[1:]] if lines else lines
    found = markers.find_markers(lines, language, stub=path.endswith(".pyi"))
    _check_code(lines, found, layout.rows[0] + 1 if layout.rows else 1)
    roles = list(layout.roles)
    for row in found:
        roles[layout.rows[row]] = Role.MARKER
    return WholeFile(
        text="\n".join(lines),
        fence_stripped=layout.unfenced,
        roles=tuple(roles),
        lines=tuple(lines),
        markers=found,
        final_newline=layout.unfenced or text.endswith(("\n", "\r")),
    )
