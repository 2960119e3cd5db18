"""Which token comes next: the allowed id with the highest logit, and what is remembered about each choice.

The lowest id wins a tie. Where a bias is set, the next id of the baseline's proposal has it added
(`guide`). All of this is a function of the tokens written and of their logits alone. As long as the proposal
is followed, the positions of a pass are decided together (`course`), afterwards one by one (`stepwise`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .constrain import Constraint, State
from .course import Course
from .guide import Guide, Place
from .stepwise import StepByStep


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
