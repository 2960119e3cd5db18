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

_NONE = np.float32(-np.inf)


class Step(NamedTuple):
    """One position: where constraint and guide stand, the allowed ids (None: free), the id with the bias."""

    state: State | None
    place: Place | None
    allowed: tuple[int, ...] | None
    expected: int | None

    @property
    def is_choice(self) -> bool:
        """Whether the logits of this position are needed."""
        return self.allowed is None or len(self.allowed) > 1


class _Choices(NamedTuple):
    """The decisions of several positions. Row n has `counts[n]` allowed ids; the rest of a row is padding."""

    raw: np.ndarray  # float32 [n, ids], the logits
    counts: list[int]
    best: list[int]  # indices into the allowed ids
    margins: list[float]
    departures: list[float]


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
        constraint, guide = self.constraint, self._guide
        state, place = self._state, self._place
        for number in range(rows):
            allowed = None
            if constraint is not None:
                if state is None:
                    break
                allowed = constraint.allowed(state)
            expected = guide.expected(place) if guide and place else None
            path.append(Step(state, place, allowed, expected))
            if number < len(draft):
                state, place = self._after(state, place, draft[number])
        return path

    def take(
        self, steps: Sequence[Step], draft: Sequence[int], logits: np.ndarray, position: int, limit: int
    ) -> list[int]:
        """The tokens from `position` on: as many as `draft` foretold and the one after, at most `limit`.

        `logits` float32 [choices, ids], of `constraint.choices` or of the whole vocabulary, has a row for
        each of `steps` that is a choice. What is not taken is not remembered.
        """
        tokens: list[int] = []
        choices = self._choose([step for step in steps if step.is_choice], logits)
        row = 0
        for number, step in enumerate(steps[:limit]):
            if step.is_choice:
                token = choices.best[row] if step.allowed is None else step.allowed[choices.best[row]]
                self._remember(choices, row, position + number)
                row += 1
            else:
                assert step.allowed is not None
                token = step.allowed[0]
            tokens.append(token)
            if number >= len(draft) or token != draft[number]:
                break
        if tokens:
            last = steps[len(tokens) - 1]
            self._state, self._place = self._after(last.state, last.place, tokens[-1])
        return tokens

    def _choose(self, steps: Sequence[Step], logits: np.ndarray) -> _Choices:
        if not steps:
            return _Choices(logits, [], [], [], [])
        counts = [logits.shape[1] if step.allowed is None else len(step.allowed) for step in steps]
        raw = np.full((len(steps), max(counts)), _NONE)
        at = np.full(len(steps), -1)  # where the bias goes
        for row, step in enumerate(steps):
            allowed = step.allowed
            raw[row, : counts[row]] = logits[row] if allowed is None else logits[row, self._column(allowed)]
            if step.expected is not None:
                place = step.expected if allowed is None else bisect_left(allowed, step.expected)
                if allowed is None or (place < len(allowed) and allowed[place] == step.expected):
                    at[row] = place
        values = raw.copy()
        biased = np.flatnonzero(at >= 0)
        values[biased, at[biased]] += self._bias
        rows = np.arange(len(steps))
        best = values.argmax(axis=1)  # numpy takes the first of equals: the lowest id
        departures = np.zeros(len(steps), np.float32)
        departures[biased] = raw[biased, best[biased]] - raw[biased, at[biased]]
        highest = values[rows, best]
        values[rows, best] = _NONE
        margins = highest - values.max(axis=1)
        return _Choices(raw, counts, best.tolist(), margins.tolist(), departures.tolist())

    def _remember(self, choices: _Choices, row: int, position: int) -> None:
        if self._hash is not None:
            self._hash.update(choices.raw[row, : choices.counts[row]].astype("<f4").tobytes())
        self.count += 1
        self.departure = max(self.departure, choices.departures[row])
        if choices.margins[row] < self.margin:
            self.margin, self.weakest = choices.margins[row], position

    def _after(
        self, state: State | None, place: Place | None, token: int
    ) -> tuple[State | None, Place | None]:
        if self.constraint is not None and state is not None:
            state = self.constraint.follow(state, token)
        if self._guide is not None and place is not None:
            place = self._guide.follow(place, token)
        return state, place

    def _column(self, allowed: tuple[int, ...]) -> np.ndarray:
        found = self._columns.get(allowed)
        if found is None:
            assert self.constraint is not None
            found = self._columns[allowed] = np.searchsorted(self.constraint.choices, allowed)
        return found
