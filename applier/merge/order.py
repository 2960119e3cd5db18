"""What the model is asked for: one merge, ready to be run wherever the model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .constraint import Constraint
from .drafts import Drafter
from .proposal_path import Course, Guide

if TYPE_CHECKING:
    from .prompt import PromptCodec


class Orders(Protocol):
    """What a merge can be ordered from: a plan, or an order that was made before."""

    def order(self, codec: PromptCodec) -> MergeOrder: ...


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
