"""The merge without a model: a tuned alignment of the edit with the window.

Its proposal is the first draft of every merge by the model, and the baseline that the model must beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .alignment import INSERT, KEEP, MATCH, SKIP, Costs, Step, align_lines, outer_rows
from .indentation import SAME, Shift, majority, reindent, white
from .markers import MarkerKind, find_markers, trailing_marker
from .sequences import changes
from .window import GAP, Item

DEFAULT_COSTS = Costs()


def align(
    items: Sequence[Item],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    markers: Mapping[int, MarkerKind] | None = None,
    costs: Costs = DEFAULT_COSTS,
) -> list[Item]:
    """The proposed merged window: a lazy edit laid over a window's items, every gap kept once and in order.

    A marker keeps the original up to the next line that the edit shows; lines between two shown lines with no
    marker between are gone; shown lines that the window lacks are inserted.
    """
    if items and all(item is GAP for item in items):
        return list(items)
    if markers is None:
        markers = find_markers(edit_lines, language)
    elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in range(len(edit_lines))]
    silent = [i in markers and not elides[i] for i in range(len(edit_lines))]
    shown = [without_trailing_marker(line, language) for line in edit_lines]
    steps = align_lines(items, shown, elides, silent, costs)
    return _write(
        items, shown, _without_edge_blanks(shown, elides, steps), _indents(items, shown, elides, steps)
    )


def align_replacement(
    items: Sequence[Item],
    search: Sequence[str],
    replace: Sequence[str],
    costs: Costs = DEFAULT_COSTS,
) -> list[Item]:
    """The proposed merged window of one search/replace block or diff hunk whose search text is inexact.

    Search lines are aligned with the window. Lines that search and replacement share keep the window's
    bytes, and lines that the search text does not show stay.
    """
    if all(item is GAP for item in items):
        return list(items)
    nothing = [False] * len(search)
    steps = align_lines(items, search, nothing, nothing, costs)
    at = {s.row: s.column for s in steps if s.state == MATCH and s.row is not None and s.column is not None}
    if not at:
        return list(items)
    shift = majority((search[row], items[column] or "") for row, column in at.items())
    gone: set[int] = set()
    put: dict[int, list[Item]] = {}
    for change in changes(search, replace):
        known = [column for row, column in at.items() if row < change.a_start]
        column = max(known) + 1 if known else min(at.values())
        put[column] = [reindent(line, shift) for line in replace[change.b_start : change.b_end]]
        gone.update(at[row] for row in range(change.a_start, change.a_end) if row in at)
    out: list[Item] = []
    for number, item in enumerate(items):
        out.extend(put.get(number, ()))
        if number not in gone:
            out.append(item)
    return [*out, *put.get(len(items), ())]


def without_trailing_marker(line: str, language: str | None) -> str:
    """A line of code without a marker comment at its end."""
    found = trailing_marker(line, language)
    return found[0] if found else line


def _indents(
    items: Sequence[Item], edit: Sequence[str], elides: Sequence[bool], steps: Sequence[Step]
) -> list[Shift]:
    """For every line of the edit, how its chunk's indentation maps to the file's: by its unchanged lines."""
    chunk_of, chunk = [], 0
    for elided in elides:
        chunk += elided
        chunk_of.append(chunk)
    pairs: dict[int, list[tuple[str, str]]] = {}
    for step in steps:
        if step.state == MATCH and step.row is not None and step.column is not None:
            item = items[step.column]
            if edit[step.row].strip() and item is not None and item.strip() == edit[step.row].strip():
                pairs.setdefault(chunk_of[step.row], []).append((edit[step.row], item))
    everything = [pair for group in pairs.values() for pair in group]
    shifts = {number: _shift_of(group) for number, group in pairs.items()}
    whole = majority(everything)
    return [shifts.get(number, whole) for number in chunk_of]


def _shift_of(pairs: Sequence[tuple[str, str]]) -> Shift:
    """The shift of one chunk: none if its first or last unchanged line stands as in the file."""
    if any(white(ours) == white(theirs) for ours, theirs in (pairs[0], pairs[-1])):
        return SAME
    return majority(pairs)


def _without_edge_blanks(edit: Sequence[str], elides: Sequence[bool], steps: Sequence[Step]) -> list[Step]:
    """The steps without new blank lines between a marker and context: they only set the marker apart."""
    matched = {step.row for step in steps if step.state == MATCH}
    idle: set[int] = set()
    for row in outer_rows(edit, elides):
        if row in matched:
            for way in (-1, 1):
                at = row + way
                while 0 <= at < len(edit) and not edit[at].strip():
                    at += way
                if not 0 <= at < len(edit) or elides[at]:
                    idle.update(range(min(at, row) + 1, max(at, row)))
    return [step for step in steps if not (step.state == INSERT and step.row in idle)]


def _write(
    items: Sequence[Item], edit: Sequence[str], steps: Sequence[Step], shifts: Sequence[Shift]
) -> list[Item]:
    out: list[Item] = []
    for step in steps:
        if step.state in (KEEP, SKIP) and step.column is not None:
            out.append(items[step.column])
        elif step.state == INSERT and step.row is not None:
            out.append(reindent(edit[step.row], shifts[step.row]))
        elif step.state == MATCH and step.row is not None and step.column is not None:
            ours = reindent(edit[step.row], shifts[step.row])
            theirs = items[step.column]
            same = theirs is not None and theirs.rstrip() == ours.rstrip()
            # Spaces at the end of a line may be taken off on purpose; they are put there by accident.
            out.append(theirs if theirs is not None and same and len(theirs) <= len(ours) else ours)
    return out
