"""From merged windows to replacements of lines, and what speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .confidence import Signal
from .plan import MergePlan
from .sequences import changes
from .text import Replacement
from .types import LineRange, Refusal, RefusalReason
from .written import Written


@dataclass(frozen=True, slots=True)
class Outcome:
    """Replacements of a file's lines, all within `touched` (0-based half-open ranges, ascending, disjoint).

    `signals` are those of every merge; `weakest` tell the lines at which each was least sure. No replacement:
    the file has every line that the edit shows.
    """

    replacements: tuple[Replacement, ...]
    touched: tuple[tuple[int, int], ...]
    signals: tuple[Signal, ...] = ()
    weakest: tuple[Callable[[], LineRange], ...] = ()


def gather(
    plans: Sequence[MergePlan], windows: Sequence[Written], ready: Sequence[Replacement]
) -> Outcome | Refusal:
    """The merged windows and the exact replacements together."""
    replacements = list(ready)
    touched = [(part.start, part.end) for part in ready]
    for plan, window in zip(plans, windows, strict=True):
        replacements += [
            part
            for start, end, lines in plan.window.pieces(window.items)
            for part in _minimal(start, end, plan.items_between(start, end), lines)
        ]
        touched += plan.window.ranges
    if conflict := _conflict(replacements):
        return conflict
    replacements.sort(key=lambda part: (part.start, part.end))
    return Outcome(
        tuple(replacements),
        _union(touched),
        tuple(window.signal for window in windows),
        tuple(window.weakest for window in windows),
    )


def _minimal(start: int, end: int, old: Sequence[str], new: Sequence[str]) -> list[Replacement]:
    """The changed lines only, so that every other line keeps its own bytes."""
    return [
        Replacement(start + change.a_start, start + change.a_end, tuple(new[change.b_start : change.b_end]))
        for change in changes(old, new)
    ]


def _conflict(replacements: Sequence[Replacement]) -> Refusal | None:
    """A refusal when two parts of the edit write the same lines."""
    last: Replacement | None = None
    for part in sorted(replacements, key=lambda part: (part.start, part.end)):
        if last is not None and (part.start < last.end or (part.start, part.end) == (last.start, last.end)):
            return Refusal(
                RefusalReason.CONTRADICTORY_EDIT,
                f"Two parts of the edit change the file at line {part.start + 1}. Write them as one.",
                (LineRange(part.start + 1, max(part.start + 1, part.end)),),
            )
        last = part
    return None


def _union(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)
