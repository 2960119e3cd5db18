"""From the steps of an alignment to the lines of the merged window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..text.indentation import SAME, Shift, majority, reindent, white
from ..text.window import Item
from .input import Scene
from .table import DELETE, INSERT, KEEP, MATCH, SKIP, Step


class Writer:
    """Writes an alignment, and those that differ from it only in what they keep of the window."""

    def __init__(self, scene: Scene, steps: Sequence[Step]) -> None:
        self._scene, self._steps = scene, steps
        shifts = _shifts(scene, steps)
        self._lines = [
            line if shift == SAME else reindent(line, shift)
            for line, shift in zip(scene.edit, shifts, strict=True)
        ]
        self._own = _own_blanks(scene, steps)

    @cached_property
    def _matched(self) -> set[int | None]:
        return {row for state, row, _ in self._steps if state == MATCH}

    def differs_under(self, shift: Shift) -> bool:
        """Whether one shift for all gives other lines of the edit."""
        return self._under(shift) != self._lines

    def _under(self, shift: Shift) -> list[str]:
        edit = self._scene.edit
        return list(edit) if shift == SAME else [reindent(line, shift) for line in edit]

    def write(self, steps: Sequence[Step] | None = None, shift: Shift | None = None) -> list[Item]:
        """The merged window: every gap once and in order, lines of the edit with the file's indentation, or
        with one shift for all where it is given.
        """
        items, lines = self._scene.items, self._lines
        if shift is not None:
            lines = self._under(shift)
        out: list[Item] = []
        for state, row, column in self.without_edge_blanks(self._steps if steps is None else steps):
            if row is None:
                if state != DELETE and column is not None:
                    out.append(items[column])
            elif column is None:
                out.append(lines[row])
            else:
                out.append(self._matched_line(lines[row], items[column], row))
        return out

    def new_line(self, row: int) -> str:
        """What is written for a line of the edit that the window does not have."""
        return self._lines[row]

    def line(self, row: int, column: int) -> Item:
        """What is written for a line of the edit that is one of the window."""
        return self._matched_line(self._lines[row], self._scene.items[column], row)

    def _matched_line(self, ours: str, theirs: Item, row: int) -> Item:
        if ours == theirs:
            return ours
        same = theirs is not None and theirs.rstrip() == ours.rstrip() and row not in self._own
        # Spaces at the end of a line may be taken off on purpose; they are put there by accident.
        unsaid = row in self._scene.edge_blanks or row in self._scene.remarked
        return theirs if same and (unsaid or len(theirs or "") <= len(ours)) else ours

    def without_edge_blanks(self, steps: Sequence[Step]) -> Sequence[Step]:
        """The steps without new blank lines that only set a marker apart: from context, or from new lines
        where the line kept on its other side is blank already.
        """
        blank = self._scene.blank
        idle: set[int] = set()
        for row, way, between in self._scene.blanks_beside_markers:
            if row in self._matched or self._kept_blank(steps, row, way):
                idle.update(between)
        if any(blank):
            forgotten = [number for number, step in enumerate(steps) if step[0] == SKIP]  # markers
            for number in forgotten:
                beside = steps[max(0, number - 1) : number + 2]
                idle.update(s.row for s in beside if s.row is not None and blank[s.row])
        return [step for step in steps if not (step.state == INSERT and step.row in idle)] if idle else steps

    def _kept_blank(self, steps: Sequence[Step], row: int, way: int) -> bool:
        """Whether the next line of the window that stays beyond a line of the edit is blank."""
        at = next((number for number, step in enumerate(steps) if step.row == row), None)
        if at is None:
            return False
        at += way
        while 0 <= at < len(steps) and steps[at].state == INSERT:
            at += way
        if not 0 <= at < len(steps) or steps[at].state != KEEP:
            return False
        column = steps[at].column
        line = self._scene.items[column] if column is not None else None
        return line is not None and not line.strip()


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
    for state, row, column in steps:
        if state == MATCH and row is not None and column is not None:
            ours, theirs = scene.edit[row], scene.items[column]
            text = scene.edit_texts[row]
            if theirs is None or not text:
                continue
            if scene.item_texts[column] == text:
                pairs.setdefault(chunk_of[row], []).append((ours, theirs))
            else:
                changed.append((ours, theirs))
    found = {number: _shift_of(group) for number, group in pairs.items()}
    if len(found) < len(set(chunk_of)):
        everything = [pair for group in pairs.values() for pair in group]
        whole = majority(everything or changed)
        return [found.get(number, whole) for number in chunk_of]
    return [found[number] for number in chunk_of]


def _shift_of(pairs: Sequence[tuple[str, str]]) -> Shift:
    """The shift of one chunk: none if its first or last unchanged line stands as in the file."""
    if any(white(ours) == white(theirs) for ours, theirs in (pairs[0], pairs[-1])):
        return SAME
    return majority(pairs)


def _own_blanks(scene: Scene, steps: Sequence[Step]) -> set[int]:
    """Blank lines with white space in them, beside a line that is new: they are new code too."""
    blank = [row for row, line in enumerate(scene.edit) if line and not line.strip()]
    if not blank:
        return set()
    states = {step.row: step for step in steps if step.row is not None}

    def new(row: int) -> bool:
        step = states.get(row)
        if step is None or not scene.edit[row].strip():
            return False
        if step.state == MATCH and step.column is not None:
            return (scene.items[step.column] or "").strip() != scene.edit[row].strip()
        return step.state == INSERT

    return {row for row in blank if new(row - 1) or new(row + 1)}
