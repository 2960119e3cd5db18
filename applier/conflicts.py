"""Parts of one edit that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

from .parts import Part
from .placement import Found, Place
from .text import Replacement
from .types import LineRange, Refusal, RefusalReason


def find_conflict(placed: Sequence[tuple[Part, Place]]) -> Refusal | None:
    """A refusal when one part changes lines that another part relies on or changes too."""
    spans = sorted(
        (
            (where.line, where.line + len(part.old), part)
            for part, where in placed
            if where.found is Found.PLACED
        ),
        key=lambda span: (span[0], span[1], span[2].line),
    )
    for index, (start, end, part) in enumerate(spans):
        for other_start, other_end, other in spans[index + 1 :]:
            if other_start > end:
                break
            mine, theirs = part.placed_at(start), other.placed_at(other_start)
            if (
                any(max(edit.start, other_start) < min(edit.end, other_end) for edit in mine)
                or any(max(edit.start, start) < min(edit.end, end) for edit in theirs)
                or _insert_at_one_place(mine, theirs)
            ):
                return Refusal(
                    RefusalReason.CONTRADICTORY_EDIT,
                    f"The {part.what} at line {part.line} and the {other.what} at line {other.line} of the "
                    "edit change the same lines. Write them as one.",
                    (LineRange(other_start + 1, max(other_end, other_start + 1)),),
                    max(part.line, other.line),
                )
    return None


def _insert_at_one_place(mine: Sequence[Replacement], theirs: Sequence[Replacement]) -> bool:
    points = {edit.start for edit in mine if edit.start == edit.end}
    return any(edit.start == edit.end and edit.start in points for edit in theirs)
