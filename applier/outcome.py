"""From what the model wrote to replacements of lines, and what speaks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .confidence import Kind, Signal
from .plan import MergePlan
from .prompt import MergedTextError, PromptCodec
from .sequences import changes
from .text import Replacement
from .types import LineRange, Refusal, RefusalReason
from .window import Item, WindowError

if TYPE_CHECKING:
    from .merge import DecodeError, Merge


@dataclass(frozen=True, slots=True)
class Outcome:
    """Replacements of a file's lines, all within `touched` (0-based half-open ranges, ascending, disjoint).

    `signals` are those of every merge; `weakest` the lines at which each was least sure.
    """

    replacements: tuple[Replacement, ...]
    touched: tuple[tuple[int, int], ...]
    signals: tuple[Signal, ...] = ()
    weakest: tuple[LineRange, ...] = ()


class NothingToDo:
    """The merges change nothing, and the file has every line that the edit shows."""


def gather(
    plans: Sequence[MergePlan],
    merged: Sequence[Merge | DecodeError],
    ready: Sequence[Replacement],
    codec: PromptCodec,
    merges: list[Merge],
) -> Outcome | NothingToDo | Refusal:
    """The merges and the exact replacements together. Adds to `merges` those that found an end."""
    replacements = list(ready)
    touched = [(part.start, part.end) for part in ready]
    signals: list[Signal] = []
    weakest: list[LineRange] = []
    for plan, merge in zip(plans, merged, strict=True):
        if isinstance(merge, Exception):
            return _unusable(plan, str(merge))
        merges.append(merge)
        try:
            items = codec.decode(merge.ids)
            pieces = plan.window.pieces(items)
        except (MergedTextError, WindowError) as error:
            return _unusable(plan, str(error))
        kind = _kind(plan, merge, items)
        own = [
            part
            for start, end, lines in pieces
            for part in _minimal(start, end, plan.items_between(start, end), lines)
        ]
        # One part without effect beside others with one would be an edit half applied.
        if kind is Kind.INCOMPLETE and not own:
            return _unusable(plan, "it changes nothing, although the edit has lines that the file lacks")
        replacements += own
        touched += plan.window.ranges
        signals.append(Signal(merge.margin, kind, plan.odds))
        weakest.append(_weakest(plan, merge, items, codec))
    if conflict := _conflict(replacements):
        return conflict
    if not replacements:
        return NothingToDo()
    replacements.sort(key=lambda part: (part.start, part.end))
    return Outcome(tuple(replacements), _union(touched), tuple(signals), tuple(weakest))


def _unusable(plan: MergePlan, why: str) -> Refusal:
    return Refusal(
        RefusalReason.LOW_CONFIDENCE,
        f"The model's merge cannot be used: {why}. Show more unchanged lines around the change.",
        tuple(LineRange(start + 1, max(start + 1, end)) for start, end in plan.window.ranges[:8]),
    )


def _kind(plan: MergePlan, merge: Merge, items: Sequence[Item]) -> Kind:
    written = {item.strip() for item in items if item is not None}
    if not plan.new_lines <= written:
        return Kind.INCOMPLETE
    return Kind.AGREES if merge.agrees else Kind.DIFFERS


def _minimal(start: int, end: int, old: Sequence[str], new: Sequence[str]) -> list[Replacement]:
    """The changed lines only, so that every other line keeps its own bytes."""
    return [
        Replacement(start + change.a_start, start + change.a_end, tuple(new[change.b_start : change.b_end]))
        for change in changes(old, new)
    ]


def _weakest(plan: MergePlan, merge: Merge, items: Sequence[Item], codec: PromptCodec) -> LineRange:
    """The line of the file at which the model was least sure."""
    written = sum(id_ in codec.line_ends or id_ == codec.gap_id for id_ in merge.ids[: merge.weakest])
    numbers = plan.window.line_numbers()
    shift = at = 0
    for change in changes(plan.items, items):
        if change.b_start > written:
            break
        shift, at = change.a_end - change.b_end, change.a_start
    at = max(at, min(written + shift, len(numbers) - 1))
    line = next((n for n in [*numbers[at:], *reversed(numbers[:at])] if n is not None), 0)
    return LineRange(line + 1, line + 1)


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
