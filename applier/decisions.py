"""Which token comes next: the allowed id with the highest logit, and what is remembered about each choice.

The lowest id wins a tie. Where a bias is set, the next id of the baseline's proposal has it added
(`guide`). All of this is a function of the tokens written and of their logits alone.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .constrain import Constraint, State
from .guide import Guide, Place


class Step(NamedTuple):
    """One position: the constraint's state and allowed ids (None, None: free), and the id with the bias."""

    state: State | None
    allowed: tuple[int, ...] | None
    expected: int | None

    @property
    def is_choice(self) -> bool:
        """Whether the logits of this position are needed."""
        return self.allowed is None or len(self.allowed) > 1


class Decisions:
    """The state of one merge between tokens. `constraint` None: every id of the vocabulary is allowed."""

    def __init__(
        self, constraint: Constraint | None, guide: Guide | None, bias: float, hash_logits: bool
    ) -> None:
        self.constraint, self._guide, self._bias = constraint, guide, np.float32(bias)
        self._state: State | None = constraint.start if constraint else None
        self._place: Place | None = guide.start if guide else None
        self._columns: dict[tuple[int, ...], np.ndarray] = {}
        self._hash = hashlib.sha256() if hash_logits else None
        self.margin, self.weakest, self.count, self.departure = float("inf"), 0, 0, 0.0

    @property
    def sha256(self) -> str | None:
        """Of the float32 allowed logits of every decision in order; None when not asked for."""
        return self._hash.hexdigest() if self._hash is not None else None

    def path(self, draft: Sequence[int], rows: int) -> list[Step]:
        """The steps of the next `rows` tokens if `draft` comes true; fewer where it is not allowed."""
        path: list[Step] = []
        state, place = self._state, self._place
        for number in range(rows):
            allowed = None
            if self.constraint is not None:
                if state is None:
                    break
                allowed = self.constraint.allowed(state)
            expected = self._guide.expected(place) if self._guide and place else None
            path.append(Step(state, allowed, expected))
            if number < len(draft):
                if self.constraint is not None and state is not None:
                    state = self.constraint.follow(state, draft[number])
                if self._guide and place:
                    place = self._guide.follow(place, draft[number])
        return path

    def decide(self, step: Step, logits: np.ndarray | None, position: int) -> int:
        """The id at `position`; `logits` float32 of `constraint.choices`, or of the whole vocabulary."""
        allowed = step.allowed
        if allowed is not None and len(allowed) == 1:
            return allowed[0]
        assert logits is not None
        values = logits if allowed is None else logits[self._column(allowed)]
        if self._hash is not None:
            self._hash.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        if step.expected is not None:
            at = step.expected if allowed is None else bisect_left(allowed, step.expected)
            if allowed is None or (at < len(allowed) and allowed[at] == step.expected):
                raw, values = values, values.copy()
                values[at] += self._bias
                chosen = int(values.argmax())
                self.departure = max(self.departure, float(raw[chosen] - raw[at]))
        best = int(values.argmax())  # numpy takes the first of equals: the lowest id
        rest = np.concatenate([values[:best], values[best + 1 :]])
        margin = float(values[best] - rest.max())
        self.count += 1
        if margin < self.margin:
            self.margin, self.weakest = margin, position
        return best if allowed is None else allowed[best]

    def follow(self, step: Step, token: int) -> None:
        """Takes the next token, which `decide` gave for `step`."""
        if self.constraint is not None and step.state is not None:
            self._state = self.constraint.follow(step.state, token)
        if self._guide and self._place:
            self._place = self._guide.follow(self._place, token)

    def _column(self, allowed: tuple[int, ...]) -> np.ndarray:
        found = self._columns.get(allowed)
        if found is None:
            assert self.constraint is not None
            found = self._columns[allowed] = np.searchsorted(self.constraint.choices, allowed)
        return found
