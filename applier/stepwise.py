"""Decisions one by one, from any state that constraint and guide can be in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .constrain import State
from .guide import Place

if TYPE_CHECKING:
    from .decisions import Decisions


class Step(NamedTuple):
    """One position: where constraint and guide stand, the allowed ids (None: free), the id with the bias."""

    state: State | None
    place: Place | None
    allowed: tuple[int, ...] | None
    expected: int | None
    is_choice: bool


class StepByStep:
    """The positions after `written` tokens, as `decisions.Ahead`."""

    def __init__(self, decisions: Decisions, draft: Sequence[int], rows: int, written: int) -> None:
        self._decisions, self._draft, self._written = decisions, draft, written
        self._steps: list[Step] = []
        constraint, guide = decisions.constraint, decisions.guide
        state, place = decisions.state, decisions.place
        for number in range(rows):
            allowed = None
            if constraint is not None:
                if state is None:
                    break
                allowed = constraint.allowed(state)
            expected = guide.expected(place) if guide is not None and place is not None else None
            self._steps.append(Step(state, place, allowed, expected, allowed is None or len(allowed) > 1))
            if number < len(draft):
                state, place = decisions.after(state, place, draft[number])

    def __len__(self) -> int:
        return len(self._steps)

    def choices(self, start: int, stop: int) -> np.ndarray:
        """As `Ahead.choices`."""
        return np.array([n for n in range(start, stop) if self._steps[n].is_choice], np.int64)

    def take(self, start: int, stop: int, logits: np.ndarray) -> list[int]:
        """As `Ahead.take`."""
        tokens: list[int] = []
        rows = iter(logits)
        for number in range(start, stop):
            step = self._steps[number]
            if step.is_choice:
                tokens.append(self._choose(step, next(rows), self._written + number))
            else:
                assert step.allowed is not None
                tokens.append(step.allowed[0])
            if number >= len(self._draft) or tokens[-1] != self._draft[number]:
                break
        last = self._steps[start + len(tokens) - 1]
        decisions = self._decisions
        decisions.state, decisions.place = decisions.after(last.state, last.place, tokens[-1])
        return tokens

    def _choose(self, step: Step, logits: np.ndarray, position: int) -> int:
        decisions, allowed, departure = self._decisions, step.allowed, 0.0
        if allowed is not None:
            assert decisions.constraint is not None
            logits = logits[np.searchsorted(decisions.constraint.choices, allowed)]
        values = logits
        if step.expected is not None:
            at = step.expected if allowed is None else bisect_left(allowed, step.expected)
            if allowed is None or (at < len(allowed) and allowed[at] == step.expected):
                values = logits.copy()
                values[at] += decisions.bias
                departure = float(logits[values.argmax()] - logits[at])
        best = int(values.argmax())  # numpy takes the first of equals: the lowest id
        rest = np.concatenate([values[:best], values[best + 1 :]])
        margin = values[best] - rest.max()
        decisions.remember(logits, np.array([margin]), np.array([position]), departure)
        return best if allowed is None else allowed[best]
