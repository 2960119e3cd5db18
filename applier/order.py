"""What the model is asked for: one merge, ready to be run wherever the model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .constrain import Constraint
from .course import Course
from .drafts import Drafter
from .guide import Guide

if TYPE_CHECKING:
    from .prompt import PromptCodec


@dataclass(frozen=True, slots=True)
class MergeOrder:
    """The fields are those of `plan.MergePlan`. `course` is the proposal under the constraint, `first` the
    drafter's first draft, `repeats` whether that holds some line more often than `limits` allow.
    """

    prompt: list[int]
    max_answer: int
    drafter: Drafter
    constraint: Constraint | None
    guide: Guide
    course: Course | None
    first: list[int]
    limits: Mapping[str, int]
    repeats: bool
    odds: int

    def order(self, codec: PromptCodec) -> MergeOrder:
        """Itself, where a plan has made it before."""
        return self
