"""Which token comes next: the allowed id with the highest logit, and what is remembered about each choice.

The lowest id wins a tie. Where a bias is set, the next id of the baseline's proposal has it added
(`guide`). All of this is a function of the tokens written and of their logits alone. As long as the proposal
is followed, the positions of a pass are decided together (`course`), afterwards one by one (`stepwise`).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from .constraint import Constraint, State
from .proposal_path import Course, Guide, Place

if TYPE_CHECKING:
    pass


class Ahead(Protocol):
    """The positions that one pass can decide; numbers count from the first of them."""

    def __len__(self) -> int: ...

    def choices(self, start: int, stop: int) -> np.ndarray:
        """The positions whose logits are needed."""

    def take(self, start: int, stop: int, logits: np.ndarray) -> list[int]:
        """The tokens from `start` on: as many as the draft foretold and the one after, before `stop`.

        `logits` float32 [choices, ids], of `constraint.choices` or of the whole vocabulary, has a row for
        each of `choices(start, stop)`. What is not taken is not remembered.
        """


class Decisions:
    """The state of one merge between tokens. `constraint` None: every id of the vocabulary is allowed."""

    def __init__(
        self,
        constraint: Constraint | None,
        guide: Guide | None,
        bias: float,
        hash_logits: bool,
        course: Course | None = None,
    ) -> None:
        self.constraint, self.guide, self.bias = constraint, guide, np.float32(bias)
        if course is None and constraint and guide:
            course = Course(constraint, guide)
        self.course = course
        self.state: State | None = None  # along the course, both are the course's
        self.place: Place | None = None
        if course is None:
            self._start()
        self._hash = hashlib.sha256() if hash_logits else None
        self.margin, self.weakest, self.count, self.departure = float("inf"), 0, 0, 0.0

    @property
    def sha256(self) -> str | None:
        """Of the float32 allowed logits of every decision in order; None when not asked for."""
        return self._hash.hexdigest() if self._hash is not None else None

    def ahead(self, draft: Sequence[int], rows: int, written: int) -> Ahead:
        """The next `rows` positions after `written` tokens if `draft` comes true; fewer where it may not."""
        course = self.course
        if course is not None:
            stop = written + rows
            if stop <= course.length and draft[: rows - 1] == course.ids[written : stop - 1]:
                return AlongCourse(self, course, written, rows)
            self.leave_course(written)
        return StepByStep(self, draft, rows, written)

    def _start(self) -> None:
        self.state = self.constraint.start if self.constraint else None
        self.place = self.guide.start if self.guide else None

    def leave_course(self, written: int, token: int | None = None) -> None:
        """Goes on step by step, after `written` tokens of the course and then `token`."""
        assert self.course is not None
        if written:
            last = self.course.state(written - 1)
            self.state, self.place = self.after(*last, self.course.ids[written - 1])
        else:
            self._start()
        if token is not None:
            self.state, self.place = self.after(self.state, self.place, token)
        self.course = None

    def after(
        self, state: State | None, place: Place | None, token: int
    ) -> tuple[State | None, Place | None]:
        """Where constraint and guide stand after one more token."""
        if self.constraint is not None and state is not None:
            state = self.constraint.follow(state, token)
        if self.guide is not None and place is not None:
            place = self.guide.follow(place, token)
        return state, place

    def remember(
        self, logits: np.ndarray, margins: np.ndarray, positions: np.ndarray, departure: float
    ) -> None:
        """Counts decisions in order: their allowed logits one after the other, margins, positions."""
        if not len(margins):
            return
        if self._hash is not None:
            self._hash.update(logits.astype("<f4").tobytes())
        self.count += len(margins)
        self.departure = max(self.departure, departure)
        least = int(margins.argmin())
        if margins[least] < self.margin:
            self.margin, self.weakest = float(margins[least]), int(positions[least])


class AlongCourse:
    """Positions at which the draft is the proposal, as everything written is."""

    def __init__(self, decisions: Decisions, course: Course, first: int, length: int) -> None:
        self._decisions, self._course = decisions, course
        self._first, self._length = first, length

    def __len__(self) -> int:
        return self._length

    def choices(self, start: int, stop: int) -> np.ndarray:
        """As `Ahead.choices`."""
        return self._course.choices(self._first + start, self._first + stop) - self._first

    def take(self, start: int, stop: int, logits: np.ndarray) -> list[int]:
        """As `Ahead.take`."""
        decisions, begin = self._decisions, self._first + start
        taken = self._course.take(begin, self._first + stop, logits, decisions.bias)
        decisions.remember(taken.logits, taken.margins, taken.positions, taken.departure)
        last = begin + len(taken.tokens) - 1
        if taken.tokens[-1] != self._course.ids[last]:
            decisions.leave_course(last, taken.tokens[-1])
        return taken.tokens


class Step(NamedTuple):
    """One position: where constraint and guide stand, the allowed ids (None: free), the id with the bias."""

    state: State | None
    place: Place | None
    allowed: tuple[int, ...] | None
    expected: int | None
    is_choice: bool


class StepByStep:
    """The positions after `written` tokens, as `Ahead`."""

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
