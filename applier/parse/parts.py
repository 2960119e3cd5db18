"""The parts of an edit that says "these old lines become those": blocks and hunks on equal terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..syntax import languages
from ..text.file_lines import FileLines
from ..text.line_diff import changes
from ..text.source_text import Replacement
from .edits import Hunk, SearchBlock
from .elisions import judge
from .markers import MarkerKind

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Part:
    """Old lines that stand somewhere in the file, new lines for them, and hints where that is."""

    what: str  # "block" or "hunk", for messages
    line: int  # 1-based line of the edit
    text: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    # What changes, relative to the first old line. Lines outside these are context.
    edits: tuple[Replacement, ...]
    elided: bool  # new lines hold an elision marker that the old lines lack
    start_hint: int | None = None  # 0-based line
    insert_at: int | None = None  # 0-based line before which a hunk without old lines states to go
    scopes: tuple[str, ...] = ()
    section: bool = False  # `scopes` is what a unified diff shows behind its numbers
    at_end: bool = False
    changes_bom: bool = False  # one side only starts with a byte order mark

    @property
    def changed(self) -> tuple[int, int]:
        """First and last (exclusive) old line that changes; equal for an insertion."""
        return (self.edits[0].start, self.edits[-1].end) if self.edits else (0, len(self.old))

    @property
    def added(self) -> list[str]:
        """New lines that are no context."""
        return [line for edit in self.edits for line in edit.lines]

    def placed_at(self, line: int) -> list[Replacement]:
        """The edits with the first old line at `line` of the file."""
        return [Replacement(line + edit.start, line + edit.end, edit.lines) for edit in self.edits]


def from_block(block: SearchBlock, language: str | None) -> list[Part]:
    """The readings of a search/replace block: one, unless its code looks like a divider."""
    splits = [(block.search, block.replace), *block.other_splits]
    return [
        Part(
            what="block",
            line=block.line,
            text=block.text,
            old=search,
            new=replace,
            changes_bom=_has_bom(raw_search) is not _has_bom(raw_replace),
            edits=_edits(search, replace),
            elided=bool(_markers(search, replace, language)),
            start_hint=None if block.start_line is None else block.start_line - 1,
        )
        for raw_search, raw_replace in splits
        for search, replace in [(_without_bom(raw_search), _without_bom(raw_replace))]
    ]


def from_hunk(hunk: Hunk, language: str | None) -> Part:
    """A hunk. Its own signs say what changes."""
    edits: list[Replacement] = []
    at = 0
    signed = _without_first_bom(hunk.lines)
    for is_context, run in groupby(signed, key=lambda line: line[0] == " "):
        lines = list(run)
        if is_context:
            at += len(lines)
            continue
        for change in _changes_of(lines):
            removed = sum(sign == "-" for sign, _ in change)
            edits.append(Replacement(at, at + removed, tuple(text for sign, text in change if sign == "+")))
            at += removed
    old = tuple(text for sign, text in signed if sign != "+")
    new = tuple(text for sign, text in signed if sign != "-")
    return Part(
        what="hunk",
        line=hunk.line,
        text=hunk.text,
        old=old,
        new=new,
        edits=tuple(edit for part in edits for edit in _minimal(part, old)),
        elided=bool(_markers(old, new, language)),
        start_hint=None if not hunk.old_start else hunk.old_start - 1,
        insert_at=hunk.old_start if hunk.old_count == 0 else None,
        scopes=hunk.scopes,
        section=hunk.old_start is not None,
        at_end=hunk.at_end,
        changes_bom=_has_bom(hunk.old) is not _has_bom(hunk.new),
    )


def _changes_of(run: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """A run of signed lines, cut where removed lines follow added ones: each has its own place."""
    if run[0][0] == "+":
        return [run]
    cuts = [i for i in range(1, len(run)) if run[i][0] == "-" and run[i - 1][0] == "+"]
    return [run[low:high] for low, high in zip([0, *cuts], [*cuts, len(run)], strict=True)]


def _has_bom(lines: Sequence[str]) -> bool:
    return bool(lines) and lines[0].startswith(_BOM)


def _without_bom(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines as `SourceText` has them: a byte order mark is no text. Elsewhere it is a character."""
    return tuple(line if row else line.removeprefix(_BOM) for row, line in enumerate(lines))


def _without_first_bom(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines of a hunk, with the first old and the first new one as `_without_bom` has them."""
    firsts = {next((row for row, (sign, _) in enumerate(lines) if sign != other), 0) for other in "+-"}
    return [
        (sign, text.removeprefix(_BOM) if row in firsts else text) for row, (sign, text) in enumerate(lines)
    ]


def _edits(old: Sequence[str], new: Sequence[str]) -> tuple[Replacement, ...]:
    return tuple(
        Replacement(change.a_start, change.a_end, tuple(new[change.b_start : change.b_end]))
        for change in changes(old, new)
    )


def _minimal(edit: Replacement, old: Sequence[str]) -> list[Replacement]:
    """The edit without lines that it removes and adds again."""
    return [
        Replacement(edit.start + inner.start, edit.start + inner.end, inner.lines)
        for inner in _edits(old[edit.start : edit.end], edit.lines)
    ]


def new_markers(part: Part, language: str | None) -> dict[int, MarkerKind]:
    """The new lines that stand for some of the old ones which they do not show."""
    return _markers(part.old, part.new, language)


def _markers(old: Sequence[str], new: Sequence[str], language: str | None) -> dict[int, MarkerKind]:
    if languages.canonical(language) == "markdown":
        return {}  # only the whole file shows whether a line is in a code block; the leak check looks
    had = {line.strip() for line in old}
    judged = judge(new, language, FileLines(old), whole=True)
    return {
        row: one.kind
        for row, one in judged.items()
        if one.odds > 0 and one.kind is not MarkerKind.DELETE and new[row].strip() not in had
    }
