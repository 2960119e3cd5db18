"""Which lines of a sent text are the edit, while its wrappers are taken off one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..edits import Role


@dataclass(slots=True)
class Layout:
    """`lines` are what is left of the edit, `rows` the 0-based lines of the sent text that they come from;
    `roles` has one for every line of that text.

    `cuts` are indexes in `lines` at which another block begins. `whole`: the wrapper says that the lines are
    the file. `appends`: it says that they go to its end.
    """

    lines: list[str]
    rows: list[int]
    roles: list[Role]
    cuts: list[int] = field(default_factory=list)
    info: str = ""
    unfenced: bool = False
    whole: bool = False
    appends: bool = False

    @staticmethod
    def of(lines: Sequence[str]) -> Layout:
        """All lines are code."""
        return Layout(list(lines), list(range(len(lines))), [Role.CODE] * len(lines))

    def ends(self) -> tuple[int, int] | None:
        """First and last line that is not blank; None without one."""
        first = next((at for at, line in enumerate(self.lines) if line.strip()), None)
        if first is None:
            return None
        return first, next(at for at in range(len(self.lines) - 1, -1, -1) if self.lines[at].strip())

    def keep(self, runs: Sequence[range], role: Role = Role.TALK) -> None:
        """Only `runs` of the lines are left, with a cut between them; the others have `role`."""
        kept = [at for run in runs for at in run]
        self.mark(set(range(len(self.lines))) - set(kept), role)
        self.cuts, size = [], 0
        for run in runs[:-1]:
            size += len(run)
            self.cuts.append(size)
        self.lines = [self.lines[at] for at in kept]
        self.rows = [self.rows[at] for at in kept]

    def mark(self, indexes: Iterable[int], role: Role) -> None:
        """The lines at `indexes` have `role`."""
        for at in indexes:
            self.roles[self.rows[at]] = role

    def drop(self, indexes: Iterable[int], role: Role) -> None:
        """The lines at `indexes` are no part of the edit."""
        gone = set(indexes)
        if not gone:
            return
        self.mark(gone, role)
        kept = [at for at in range(len(self.lines)) if at not in gone]
        before = [0]
        for at in range(len(self.lines)):
            before.append(before[-1] + (at not in gone))
        self.cuts = [before[cut] for cut in self.cuts]
        self.lines = [self.lines[at] for at in kept]
        self.rows = [self.rows[at] for at in kept]
