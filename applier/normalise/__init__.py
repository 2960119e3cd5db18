"""Puts an edit's careless white space and wording into the file's own habits, before it is laid over the
file.

The exact tier sees an edit as it was written; what it leaves over is brought closer to the file here. Each
rule changes only what the lines that edit and file share prove to be carelessness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..parse import LazySnippet
from ..parse.markers import MarkerKind
from ..parse.parts import Part
from ..text.file_lines import FileLines
from .blanks import missing_blanks
from .folds import completed, folded_row, unfolded
from .inline import refilled
from .units import find_units, in_units

ONE_BLANK = 5000

__all__ = ["folded_row", "normalise_part", "normalise_snippet"]


def normalise_snippet(
    edit: LazySnippet, file: Sequence[str], language: str | None, *, stub: bool = False
) -> tuple[LazySnippet, int]:
    """The snippet in the file's habits (unchanged where it has them), and what that takes from the odds of
    its merge, in thousandths of a logit: a blank line left out in one place only may well be meant to go.

    In a `stub` (a .pyi file) dots are code.
    """
    file = FileLines.of(file)
    file.seek(edit.lines)
    shown = [line for row, line in enumerate(edit.lines) if row not in edit.markers]
    units = find_units(file, shown, (), language)
    if units is not None:
        edit = replace(edit, lines=tuple(in_units(edit.lines, units, file, language)))
    if not stub:
        edit = _rewritten(edit, {}, unfolded(edit.lines, edit.markers, file, language))
        edit = _rewritten(edit, {}, completed(edit.lines, edit.markers, file) | refilled(edit.lines, file))
    blanks = missing_blanks(edit.lines, edit.markers, file)
    return _rewritten(edit, blanks, {}), ONE_BLANK if len(blanks) == 1 else 0


def _rewritten(
    edit: LazySnippet, before: Mapping[int, Sequence[str]], folds: Mapping[int, Sequence[str]]
) -> LazySnippet:
    """The snippet with more lines before some of its rows, folded scopes as (head, marker), cut lines in
    full.
    """
    if not before and not folds:
        return edit
    lines: list[str] = []
    markers: dict[int, MarkerKind] = {}
    rows: list[int] = []
    cuts: set[int] = set()
    for row, line in enumerate(edit.lines):
        lines += before.get(row, ())
        if len(folds.get(row, ())) > 1:
            markers[len(lines) + 1] = MarkerKind.ELIDE
        elif row in edit.markers:
            markers[len(lines)] = edit.markers[row]
        if row in edit.cuts:
            cuts.add(len(lines))
        lines += folds.get(row, [line])
        rows += [edit.sent_line(row) - 1] * (len(lines) - len(rows))
    return replace(edit, lines=tuple(lines), markers=markers, rows=tuple(rows), cuts=frozenset(cuts))


def normalise_part(part: Part, file: FileLines, language: str | None) -> Part:
    """A block or hunk with both halves in the file's unit of indentation; its old lines tell it."""
    units = find_units(file, part.old, part.new, language)
    if units is None:
        return part
    old, new = (tuple(in_units(lines, units, file, language)) for lines in (part.old, part.new))
    edits = tuple(
        replace(edit, lines=tuple(in_units(edit.lines, units, file, language))) for edit in part.edits
    )
    return replace(part, old=old, new=new, edits=edits)
