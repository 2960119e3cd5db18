"""What a habit is given, and what it writes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from applier.text.hunks import Hunk, is_weak, line_hunks
from applier.types import EditFormat, RefusalReason
from evals.cases.case import Category
from training.synth.generate import apply_hunks, choose_hunks, renumber

FAR_APART = 24  # unchanged lines between two hunks that are written as blocks with contexts of their own

# Whatever the sentence says, a typed refusal that leaves the file alone is right where an edit has no place.
NOT_HERE = frozenset(
    {
        RefusalReason.NO_MATCH,
        RefusalReason.AMBIGUOUS_MATCH,
        RefusalReason.CONTRADICTORY_EDIT,
        RefusalReason.LOW_CONFIDENCE,
        RefusalReason.WINDOW_TOO_LARGE,
        RefusalReason.SYNTAX_ERROR,
        RefusalReason.MASS_DELETION,
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """One file of one commit, as lines without their ends, and another change of the same repository."""

    path: str
    language: str
    old: list[str]
    new: list[str]
    other: Change | None = None

    def some_hunks(self, rng: random.Random) -> tuple[list[str], list[Hunk]]:
        """Some hunks of the change, and the file with these alone applied."""
        chosen = choose_hunks(line_hunks(self.old, self.new), rng)
        return apply_hunks(self.old, self.new, chosen), renumber(chosen)

    def far_hunks(self, rng: random.Random, least: int) -> tuple[list[str], list[Hunk]] | None:
        """Up to four hunks that stand far apart; None where there are fewer than `least`."""
        chosen: list[Hunk] = []
        for hunk in line_hunks(self.old, self.new):
            if not chosen or hunk.old_start - chosen[-1].old_end >= FAR_APART:
                chosen.append(hunk)
        if len(chosen) < least:
            return None
        chosen = sorted(
            rng.sample(chosen, min(len(chosen), rng.randint(least, 4))), key=lambda h: h.old_start
        )
        return apply_hunks(self.old, self.new, chosen), renumber(chosen)


@dataclass(frozen=True, slots=True)
class Written:
    """An edit as written, and what is right: the lines `new` (of the file `old`), or any of `refusals`.

    `old` is the change's own file unless the edit is written for another. `placeholders` are lines of the
    edit, without indentation, that must not reach the file.
    """

    edit: str
    category: Category
    new: list[str] | None
    old: list[str] | None = None
    refusals: frozenset[RefusalReason] = frozenset()
    format: EditFormat = EditFormat.AUTO
    not_exact: bool = False
    placeholders: tuple[str, ...] = ()


Habit = Callable[[Change, random.Random], Written | None]


def found_share(lines: Sequence[str], file: Sequence[str]) -> float:
    """The share of the telling lines among `lines` that the file has too."""
    texts = {line.strip() for line in file}
    telling = [line.strip() for line in lines if not is_weak(line)]
    return sum(line in texts for line in telling) / len(telling) if telling else 1.0
