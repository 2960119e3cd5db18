"""From merged windows to replacements of lines, and what speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .merge.confidence import NONE, HeadStart, Kind, Signal
from .merge.prompt import MergedTextError, PromptCodec
from .text.line_diff import changes
from .text.source_text import Replacement
from .text.window import Item, WindowError
from .types import LineRange, Refusal, RefusalReason

if TYPE_CHECKING:
    from .merge.result import DecodeError, Merge
    from .plan import MergePlan


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
    if conflict := find_overlap(replacements):
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


def find_overlap(replacements: Sequence[Replacement]) -> Refusal | None:
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


@dataclass(frozen=True, slots=True)
class Written:
    """A merged window, what speaks for it, and what tells the line of the file where it is least sure."""

    items: Sequence[Item]
    signal: Signal
    weakest: Callable[[], LineRange]


def written(
    plan: MergePlan, merge: Merge | DecodeError, codec: PromptCodec, head_start: HeadStart = NONE
) -> Written | Refusal:
    """What the model wrote with the proposal's head start. Where that cannot be used, or lacks new lines of
    the edit that the proposal has, the proposal.
    """
    own = _by_model(plan, merge, codec, head_start.of(plan.odds))
    if isinstance(own, Refusal):
        return proposed(plan) or own
    if _missing(plan, own.items) - _missing(plan, plan.proposal):
        return proposed(plan) or own
    return own


def proposed(plan: MergePlan) -> Written | None:
    """The alignment's proposal, None where it changes nothing although the edit has new lines."""
    if plan.proposal == plan.items and plan.new_lines:
        return None
    return Written(plan.proposal, Signal(0.0, Kind.FALLBACK, plan.odds), partial(_first_change, plan))


def proposed_instead(plans: Sequence[MergePlan], windows: Sequence[Written]) -> list[Written] | None:
    """The proposal of every plan; None where one cannot be used, or all of `windows` are proposals."""
    if all(window.signal.kind in (Kind.AGREES, Kind.FALLBACK) for window in windows):
        return None
    found = [proposed(plan) for plan in plans]
    return None if None in found else [window for window in found if window is not None]


def _by_model(
    plan: MergePlan, merge: Merge | DecodeError, codec: PromptCodec, start: float
) -> Written | Refusal:
    if isinstance(merge, Exception):
        return _unusable(plan, str(merge))
    try:
        items = plan.proposal if merge.agrees else codec.decode(merge.ids)
        plan.window.pieces(items)
    except (MergedTextError, WindowError) as error:
        return _unusable(plan, str(error))
    kind = Kind.AGREES if merge.agrees else Kind.DIFFERS
    if _missing(plan, items):
        # One part without effect beside others with one would be an edit half applied.
        if items == plan.items:
            return _unusable(plan, "it changes nothing, although the edit has lines that the file lacks")
        kind = Kind.INCOMPLETE
    weakest = partial(_weakest, plan, merge, items, codec)
    return Written(items, Signal(merge.margin, kind, plan.odds, start), weakest)


def _missing(plan: MergePlan, items: Sequence[Item]) -> frozenset[str]:
    """New lines of the edit that a merged window lacks. Context that the edit misremembers is among them."""
    return plan.new_lines - {item.strip() for item in items if item is not None}


def _unusable(plan: MergePlan, why: str) -> Refusal:
    return Refusal(
        RefusalReason.LOW_CONFIDENCE,
        f"The model's merge cannot be used: {why}. Show more unchanged lines around the change.",
        tuple(LineRange(start + 1, max(start + 1, end)) for start, end in plan.window.ranges[:8]),
    )


def _weakest(plan: MergePlan, merge: Merge, items: Sequence[Item], codec: PromptCodec) -> LineRange:
    """The line of the file at which the model was least sure."""
    before = sum(id_ in codec.line_ends or id_ == codec.gap_id for id_ in merge.ids[: merge.weakest])
    shift = at = 0
    for change in changes(plan.items, items):
        if change.b_start > before:
            break
        shift, at = change.a_end - change.b_end, change.a_start
    return _line_at(plan, max(at, before + shift))


def _first_change(plan: MergePlan) -> LineRange:
    """The first line of the file that the proposal changes."""
    change = next(iter(changes(plan.items, plan.proposal)), None)
    return _line_at(plan, change.a_start if change else 0)


def _line_at(plan: MergePlan, at: int) -> LineRange:
    """The line of the file at an item of the window, or the nearest one that the window keeps."""
    numbers = plan.window.line_numbers()
    at = min(at, len(numbers) - 1)
    line = next((n for n in [*numbers[at:], *reversed(numbers[:at])] if n is not None), 0)
    return LineRange(line + 1, line + 1)
