"""Greedy decoding of merged windows, many tokens a pass and many merges a batch.

The result is defined without drafts: every next token is the allowed id with the highest logit, the lowest
id winning a tie; where a bias is set, the next id of the baseline's proposal has it added (`guide`). A pass
runs the model over confirmed tokens and a draft; rows of the pass whose preceding tokens all came true
decide the tokens after them, the first wrong draft token is replaced by the model's own, and the cache is
cut back to there. Because the kernels give a row the same bits in every pass that holds it, drafts, chunks
and batches cannot change a bit of what is written, of the logits that decided it, or of the cache.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from kernels.model import Hidden, Model, Segment

from .cancellation import check_cancelled
from .constrain import Constraint, State
from .drafts import FIRST_REDRAFT, Drafter
from .guide import Guide
from .prompt import PromptCodec

ROWS_AT_ONCE = 128  # logits computed together: bounds memory, and work after a wrong draft
MAX_REDRAFT = 1 << 12


class Step(NamedTuple):
    """One position: the constraint's state and allowed ids (None, None: free), and the id with the bias."""

    state: State | None
    allowed: tuple[int, ...] | None
    expected: int | None


class DecodeError(RuntimeError):
    """A merge that found no end within its limit."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How the work is cut into passes; no option changes a result."""

    prefill_chunk: int | None = 512  # tokens of one merge in one pass; None: no limit
    draft_length: int | None = None  # ids of a draft; 0 turns drafts off; None: no limit
    batch_tokens: int = 8192  # tokens of all merges in one pass


@dataclass(frozen=True, slots=True)
class Merge:
    """What the model wrote: `ids` with the end; margins are differences of the two highest allowed logits.

    `departure` is the largest margin, without the bias, by which the model left the proposal; 0 if it never
    did.
    """

    ids: tuple[int, ...]
    margin: float  # the smallest over all decisions; infinity without any
    weakest: int  # index into `ids` of the decision with the smallest margin
    decisions: int  # positions with more than one allowed id
    agrees: bool  # whether it is the first draft, word for word
    prompt_tokens: int
    drafted: int
    accepted: int
    passes: int
    logits_sha256: str | None  # over the float32 allowed logits of every decision in order, when asked for
    departure: float = 0.0


class MergeTask:
    """One merge in progress. `constraint` None means free: every id of the vocabulary is allowed."""

    def __init__(
        self,
        model: Model,
        codec: PromptCodec,
        prompt: Sequence[int],
        drafter: Drafter,
        constraint: Constraint | None,
        max_answer: int,
        options: DecodeOptions | None = None,
        hash_logits: bool = False,
        guide: Guide | None = None,
        bias: float = 0.0,
    ) -> None:
        self.model, self.prompt, self.drafter, self.constraint = model, list(prompt), drafter, constraint
        self.options = options or DecodeOptions()
        self.cache = model.new_cache(len(prompt) + max_answer)
        self.max_answer, self.end_id = max_answer, codec.end_id
        self.written: list[int] = []
        self._guide = guide
        self._place = guide.start if guide else None
        self._departure = 0.0
        self._bias = np.float32(bias)
        self._first = drafter.first()
        self._draft = self._first if self.options.draft_length is None else []
        self._redraft = FIRST_REDRAFT
        if self.options.draft_length:
            self._draft = self._first[: self.options.draft_length]
        self._state: State | None = constraint.start if constraint else None
        self._columns: dict[tuple[int, ...], np.ndarray] = {}
        self._choices: torch.Tensor | None = None
        if constraint:
            self._choices = torch.tensor(constraint.choices, dtype=torch.int64, device=model.device)
        self._margin, self._weakest, self._decisions = float("inf"), 0, 0
        self._passes = self._drafted = self._accepted = 0
        self._hash = hashlib.sha256() if hash_logits else None

    @property
    def done(self) -> bool:
        """Whether the end has been written."""
        return bool(self.written) and self.written[-1] == self.end_id

    @property
    def full(self) -> bool:
        """Whether the limit has been reached without an end."""
        return len(self.written) >= self.max_answer and not self.done

    def next_tokens(self, limit: int) -> list[int]:
        """The tokens of the next pass: what the cache lacks of prompt and written, then the draft."""
        start = self.cache.length
        if self.options.prefill_chunk is not None:
            limit = min(limit, self.options.prefill_chunk)
        sure = len(self.prompt) + len(self.written)
        tokens = self.prompt[start : start + limit]
        tokens += self.written[max(0, start - len(self.prompt)) :][: limit - len(tokens)]
        room = min(limit - len(tokens), self.cache.capacity - sure)
        if start + len(tokens) == sure and room > 0:
            guess = self._draft[:room]
            if guess and guess[-1] == self.end_id:
                guess = guess[:-1]
            self._drafted += len(guess)
            tokens += guess
        return tokens

    def receive(self, hidden: Hidden, start: int) -> None:
        """Takes the rows of a pass that began at position `start` of the cache. Raises DecodeError."""
        self._passes += 1
        first = len(self.prompt) + len(self.written) - 1  # the row that decides the next token
        skip = first - start
        if skip >= len(hidden):
            return
        path = self._path(len(hidden) - skip)
        wrong = False
        for low in range(0, len(path), ROWS_AT_ONCE):
            some = path[low : low + ROWS_AT_ONCE]
            logits = self._logits(hidden, skip + low, some)
            if not self._follow(some, logits):
                wrong = bool(self._draft)
                self._draft = []
                break
        keep = len(self.prompt) + len(self.written) - 1
        if self.cache.length > keep:
            self.cache.truncate(keep)
        if self.full:
            raise DecodeError(f"the merged window has no end within {self.max_answer} tokens")
        if not self._draft and not self.done:
            self._redraft = FIRST_REDRAFT if wrong else min(2 * self._redraft, MAX_REDRAFT)
            self._draft = self._new_draft()

    def _follow(self, path: Sequence[Step], logits: dict[int, np.ndarray]) -> bool:
        """Writes the tokens of `path` as long as the draft comes true; whether all of it did."""
        confirmed = 0
        for number, step in enumerate(path):
            token = self._decide(step, logits.get(number))
            self._write(token, step.state)
            if number >= len(self._draft) or token != self._draft[number] or self.full:
                break
            confirmed += 1
        self._accepted += confirmed
        self._draft = self._draft[confirmed:]
        return confirmed == len(path)

    def _path(self, rows: int) -> list[Step]:
        """State and allowed ids of each row's token, as long as the draft comes true."""
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
            if number < len(self._draft):
                if self.constraint is not None and state is not None:
                    state = self.constraint.follow(state, self._draft[number])
                if self._guide and place:
                    place = self._guide.follow(place, self._draft[number])
        return path

    def _logits(self, hidden: Hidden, skip: int, path: Sequence[Step]) -> dict[int, np.ndarray]:
        """The logits of every row that is a decision: of `choices`, or of the whole vocabulary."""
        steps = [n for n, step in enumerate(path) if step.allowed is None or len(step.allowed) > 1]
        if not steps:
            return {}
        rows = torch.tensor([skip + step for step in steps], device=self.model.device)
        values = self.model.logits(hidden, rows, self._choices).cpu().numpy()
        return dict(zip(steps, values, strict=True))

    def _decide(self, step: Step, logits: np.ndarray | None) -> int:
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
                self._departure = max(self._departure, float(raw[chosen] - raw[at]))
        best = int(values.argmax())  # numpy takes the first of equals: the lowest id
        rest = np.concatenate([values[:best], values[best + 1 :]])
        margin = float(values[best] - rest.max())
        self._decisions += 1
        if margin < self._margin:
            self._margin, self._weakest = margin, len(self.written)
        return best if allowed is None else allowed[best]

    def _column(self, allowed: tuple[int, ...]) -> np.ndarray:
        found = self._columns.get(allowed)
        if found is None:
            assert self.constraint is not None
            found = self._columns[allowed] = np.searchsorted(self.constraint.choices, allowed)
        return found

    def _write(self, token: int, state: State | None) -> None:
        self.written.append(token)
        if self.constraint is not None and state is not None:
            self._state = self.constraint.follow(state, token)
        if self._guide and self._place:
            self._place = self._guide.follow(self._place, token)

    def _new_draft(self) -> list[int]:
        limit = self._redraft
        if self.options.draft_length is not None:
            limit = min(limit, self.options.draft_length)
        return self.drafter.next(self.written)[:limit] if limit else []

    def result(self) -> Merge:
        """What was written; only after `done`."""
        return Merge(
            ids=tuple(self.written),
            margin=self._margin,
            weakest=self._weakest,
            decisions=self._decisions,
            agrees=self.written == self._first,
            departure=self._departure,
            prompt_tokens=len(self.prompt),
            drafted=self._drafted,
            accepted=self._accepted,
            passes=self._passes,
            logits_sha256=self._hash.hexdigest() if self._hash is not None else None,
        )


def run_tasks(model: Model, tasks: Sequence[MergeTask], batch_tokens: int = 8192) -> list[DecodeError | None]:
    """Runs merges side by side, in one ragged pass a step, until all are done.

    Returns for each task None, or the DecodeError that ended it alone. Raises Cancelled.
    """
    failed: list[DecodeError | None] = [None] * len(tasks)
    active = [number for number, task in enumerate(tasks) if not task.done]
    while active:
        check_cancelled()
        batch: list[tuple[int, int, list[int]]] = []
        left = batch_tokens
        for number in active:
            if left <= 0:
                break
            tokens = tasks[number].next_tokens(left)
            batch.append((number, tasks[number].cache.length, tokens))
            left -= len(tokens)
        hidden = model.forward([Segment(tasks[n].cache, torch.tensor(tokens)) for n, _, tokens in batch])
        row = 0
        for number, start, tokens in batch:
            try:
                tasks[number].receive(hidden.select(slice(row, row + len(tokens))), start)
            except DecodeError as error:
                failed[number] = error
            row += len(tokens)
        served = {number for number, _, _ in batch}
        waiting = [n for n in active if n not in served]
        going = [n for n in active if n in served and not tasks[n].done and failed[n] is None]
        active = waiting + going  # those that had no room go first
    return failed
