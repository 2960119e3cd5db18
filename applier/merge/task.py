"""Greedy decoding of a merged window, many tokens a pass.

The result is defined without drafts: every next token is the one that `decisions` names. A pass runs the
model over confirmed tokens and a draft; rows of the pass whose preceding tokens all came true decide the
tokens after them, the first wrong draft token is replaced by the model's own, and the cache is cut back to
there. Because the kernels give a row the same bits in every pass that holds it, drafts, chunks, batches and
a cache filled anew cannot change a bit of what is written, of the logits that decided it, or of the cache.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np

from kernels.model import KVCache

from .choices import Decisions
from .constraint import Constraint
from .drafts import FIRST_REDRAFT, Drafter
from .prompt import PromptCodec
from .proposal_path import Course, Guide
from .repeats import Repeats
from .result import DecodeError, DecodeOptions, Merge

FIRST_ROWS = 128  # logits computed together, doubled while the draft comes true: at most as many in vain
LAUNCH_ROWS = 2048  # the same where waiting for a device costs more than rows of known ids in vain
MAX_REDRAFT = 1 << 12
_NO_LOGITS = np.empty((0, 0), np.float32)


class Ask(NamedTuple):
    """Logits that a merge needs: rows of its part of the pass (int64), and ids (int64; None: all)."""

    rows: np.ndarray
    ids: np.ndarray | None


class MergeTask:
    """One merge in progress. `constraint` None means free: every id of the vocabulary is allowed.

    It holds no cache until `begin`, and `suspend` gives the cache back in the middle: what is written
    stays, and the next cache is filled again with the same bits.
    """

    def __init__(
        self,
        codec: PromptCodec,
        prompt: Sequence[int],
        drafter: Drafter,
        constraint: Constraint | None,
        max_answer: int,
        options: DecodeOptions | None = None,
        hash_logits: bool = False,
        guide: Guide | None = None,
        bias: float = 0.0,
        repeats: Repeats | None = None,
        course: Course | None = None,
        first: Sequence[int] | None = None,
    ) -> None:
        """`course` is that of constraint and guide, `first` the drafter's first draft; None: made here."""
        self.prompt, self.drafter, self.constraint = list(prompt), drafter, constraint
        self.options = options or DecodeOptions()
        self.cache: KVCache | None = None
        self.max_answer, self.end_id = max_answer, codec.end_id
        self.written: list[int] = []
        self.decisions = Decisions(constraint, guide, bias, hash_logits, course)
        self._repeats = repeats
        self._first = drafter.first() if first is None else list(first)
        self._draft = self._first if self.options.draft_length is None else []
        self._redraft = FIRST_REDRAFT
        if self.options.draft_length:
            self._draft = self._first[: self.options.draft_length]
        self._choices = _choices(constraint, self.decisions.course)
        self.passes = self.drafted = self.accepted = self.missed = 0

    @property
    def capacity(self) -> int:
        """Positions that its cache needs."""
        return len(self.prompt) + self.max_answer

    @property
    def done(self) -> bool:
        """Whether the end has been written."""
        return bool(self.written) and self.written[-1] == self.end_id

    @property
    def full(self) -> bool:
        """Whether the limit has been reached without an end."""
        return len(self.written) >= self.max_answer and not self.done

    def begin(self, cache: KVCache) -> None:
        """Goes on with `cache`, which holds nothing or a beginning of the prompt without its last token."""
        assert cache.length < len(self.prompt)
        self.cache = cache

    def suspend(self) -> None:
        """Gives the cache's memory back."""
        if self.cache is not None:
            self.cache.release()
        self.cache = None

    def wanted(self, draft_limit: int | None = None) -> int:
        """The number of tokens that `next_tokens` would give if there were no limit but the options'."""
        assert self.cache is not None
        sure = len(self.prompt) + len(self.written)
        draft = len(self._draft) if draft_limit is None else min(len(self._draft), draft_limit)
        tokens = sure - self.cache.length + min(draft, self.cache.capacity - sure)
        chunk = self.options.prefill_chunk
        return tokens if chunk is None else min(tokens, chunk)

    def next_tokens(self, limit: int, draft_limit: int | None = None) -> list[int]:
        """The tokens of the next pass: what the cache lacks of prompt and written, then the draft."""
        assert self.cache is not None
        start = self.cache.length
        if self.options.prefill_chunk is not None:
            limit = min(limit, self.options.prefill_chunk)
        sure = len(self.prompt) + len(self.written)
        tokens = self.prompt[start : start + limit]
        tokens += self.written[max(0, start - len(self.prompt)) :][: limit - len(tokens)]
        room = min(limit - len(tokens), self.cache.capacity - sure)
        if draft_limit is not None:
            room = min(room, draft_limit)
        if start + len(tokens) == sure and room > 0:
            guess = self._draft[:room]
            if guess and guess[-1] == self.end_id:
                guess = guess[:-1]
            self.drafted += len(guess)
            tokens += guess
        return tokens

    def receive(self, rows: int, start: int, first_rows: int) -> Generator[Ask, np.ndarray, None]:
        """Takes `rows` rows of a pass that began at position `start`; asks for the logits that it needs.

        Each `Ask` is answered with float32 [rows, ids] in memory; the first one covers `first_rows` rows, or
        `FIRST_ROWS` of the whole vocabulary. Raises DecodeError.
        """
        assert self.cache is not None
        self.passes += 1
        first = len(self.prompt) + len(self.written) - 1  # the row that decides the next token
        skip = first - start
        if skip >= rows:
            return
        ahead = self.decisions.ahead(self._draft, rows - skip, len(self.written))
        wrong = False
        low, count = 0, FIRST_ROWS if self._choices is None else first_rows
        while low < len(ahead) and not self.full:
            high = min(low + count, len(ahead), self.max_answer - len(self.written) + low)
            choices = ahead.choices(low, high)
            logits = _NO_LOGITS
            if len(choices):
                logits = yield Ask(choices + skip, self._choices)
            if not self._follow(ahead.take(low, high, logits), high - low):
                wrong = bool(self._draft)
                self.missed += wrong
                self._draft = []
                break
            low, count = high, 2 * count
        keep = len(self.prompt) + len(self.written) - 1
        if self.cache.length > keep:
            self.cache.truncate(keep)
        if self._repeats and self._repeats.exceeded(self.written):
            raise DecodeError("it repeats a line more often than the file and the edit have it together")
        if self.full:
            raise DecodeError(f"the merged window has no end within {self.max_answer} tokens")
        if not self._draft and not self.done:
            self._redraft = FIRST_REDRAFT if wrong else min(2 * self._redraft, MAX_REDRAFT)
            self._draft = self._new_draft()

    def _follow(self, tokens: list[int], positions: int) -> bool:
        """Writes the tokens that `positions` gave; whether the draft came true in all of them."""
        confirmed = len(tokens)
        if tokens != self._draft[:confirmed]:
            confirmed -= 1  # the last is the model's own
        self.written += tokens
        self.accepted += confirmed
        self._draft = self._draft[confirmed:]
        return confirmed == positions

    def _new_draft(self) -> list[int]:
        limit = self._redraft
        if self.options.draft_length is not None:
            limit = min(limit, self.options.draft_length)
        return self.drafter.next(self.written)[:limit] if limit else []

    def result(self) -> Merge:
        """What was written; only after `done`."""
        return Merge(
            ids=tuple(self.written),
            margin=self.decisions.margin,
            weakest=self.decisions.weakest,
            decisions=self.decisions.count,
            agrees=self.written == self._first,
            departure=self.decisions.departure,
            prompt_tokens=len(self.prompt),
            drafted=self.drafted,
            accepted=self.accepted,
            passes=self.passes,
            logits_sha256=self.decisions.sha256,
        )


def _choices(constraint: Constraint | None, course: Course | None) -> np.ndarray | None:
    """Every id that a choice can fall on; None where that is every id."""
    if course is not None:
        return course.choices_ids
    return np.array(constraint.choices, np.int64) if constraint else None
