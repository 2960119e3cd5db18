"""From the steps of an alignment to the lines of the merged window."""

from __future__ import annotations

from collections.abc import Sequence

from ..indentation import SAME, Shift, majority, reindent, white
from ..window import Item
from .scene import Scene
from .table import INSERT, KEEP, MATCH, SKIP, Step


def write(scene: Scene, steps: Sequence[Step], shift: Shift | None = None) -> list[Item]:
    """The merged window: every gap once and in order, lines of the edit with the file's indentation, or with
    one shift for all where it is given.
    """
    shifts = _shifts(scene, steps) if shift is None else [shift] * len(scene.edit)
    own, edge = _own_blanks(scene, steps), _edge_blanks(scene)
    out: list[Item] = []
    for step in _without_edge_blanks(scene, steps):
        if step.state in (KEEP, SKIP) and step.column is not None:
            out.append(scene.items[step.column])
        elif step.state == INSERT and step.row is not None:
            out.append(reindent(scene.edit[step.row], shifts[step.row]))
        elif step.state == MATCH and step.row is not None and step.column is not None:
            ours = reindent(scene.edit[step.row], shifts[step.row])
            theirs = scene.items[step.column]
            same = theirs is not None and theirs.rstrip() == ours.rstrip() and step.row not in own
            # Spaces at the end of a line may be taken off on purpose; they are put there by accident.
            kept = same and (step.row in edge or len(theirs or "") <= len(ours))
            out.append(theirs if kept else ours)
    return out


def _shifts(scene: Scene, steps: Sequence[Step]) -> list[Shift]:
    """For every line of the edit, how its chunk's indentation maps to the file's: by its unchanged lines, or
    where none of the edit's is, by its changed ones.
    """
    chunk_of, chunk = [], 0
    for elided in scene.elides:
        chunk += elided
        chunk_of.append(chunk)
    pairs: dict[int, list[tuple[str, str]]] = {}
    changed: list[tuple[str, str]] = []
    for step in steps:
        if step.state == MATCH and step.row is not None and step.column is not None:
            ours, theirs = scene.edit[step.row], scene.items[step.column]
            if theirs is None or not ours.strip():
                continue
            if theirs.strip() == ours.strip():
                pairs.setdefault(chunk_of[step.row], []).append((ours, theirs))
            else:
                changed.append((ours, theirs))
    everything = [pair for group in pairs.values() for pair in group]
    found = {number: _shift_of(group) for number, group in pairs.items()}
    whole = majority(everything or changed)
    return [found.get(number, whole) for number in chunk_of]


def _shift_of(pairs: Sequence[tuple[str, str]]) -> Shift:
    """The shift of one chunk: none if its first or last unchanged line stands as in the file."""
    if any(white(ours) == white(theirs) for ours, theirs in (pairs[0], pairs[-1])):
        return SAME
    return majority(pairs)


def _own_blanks(scene: Scene, steps: Sequence[Step]) -> set[int]:
    """Blank lines with white space in them, beside a line that is new: they are new code too."""
    states = {step.row: step for step in steps if step.row is not None}

    def new(row: int) -> bool:
        step = states.get(row)
        if step is None or not scene.edit[row].strip():
            return False
        if step.state == MATCH and step.column is not None:
            return (scene.items[step.column] or "").strip() != scene.edit[row].strip()
        return step.state == INSERT

    blank = [row for row, line in enumerate(scene.edit) if line and not line.strip()]
    return {row for row in blank if new(row - 1) or new(row + 1)}


def _edge_blanks(scene: Scene) -> set[int]:
    """Blank lines beside a marker: they say nothing of the file's."""
    found: set[int] = set()
    rows = range(len(scene.edit))
    for way in (1, -1):
        beside = False
        for row in rows[::way]:
            beside = scene.elides[row] or (beside and not scene.edit[row].strip())
            if beside and not scene.elides[row]:
                found.add(row)
    return found


def _without_edge_blanks(scene: Scene, steps: Sequence[Step]) -> list[Step]:
    """The steps without new blank lines that only set a marker apart: from context, or from new lines where
    the line kept on its other side is blank already.
    """
    matched = {step.row for step in steps if step.state == MATCH}
    idle: set[int] = set()
    for row in scene.outer_rows():
        for way in (-1, 1):
            at = row + way
            while 0 <= at < len(scene.edit) and not scene.edit[at].strip():
                at += way
            beyond = not 0 <= at < len(scene.edit) or scene.elides[at]
            if beyond and (row in matched or _kept_blank(scene, steps, row, way)):
                idle.update(range(min(at, row) + 1, max(at, row)))
    for number, step in enumerate(steps):
        if step.state == SKIP:  # a marker was forgotten
            beside = steps[max(0, number - 1) : number + 2]
            idle.update(s.row for s in beside if s.row is not None and not scene.edit[s.row].strip())
    return [step for step in steps if not (step.state == INSERT and step.row in idle)]


def _kept_blank(scene: Scene, steps: Sequence[Step], row: int, way: int) -> bool:
    """Whether the next line of the window that stays beyond a line of the edit is blank."""
    at = next((n for n, step in enumerate(steps) if step.row == row), None)
    if at is None:
        return False
    at += way
    while 0 <= at < len(steps) and steps[at].state == INSERT:
        at += way
    if not 0 <= at < len(steps) or steps[at].state != KEEP:
        return False
    column = steps[at].column
    line = scene.items[column] if column is not None else None
    return line is not None and not line.strip()
