"""`Memoised`: an applier that answers a request it has answered before without doing the work again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from time import perf_counter
from typing import TYPE_CHECKING

import structlog

from ..receipt import request_digest
from ..types import EditRequest, EditResult, Timing
from .entry import decode, encode, without_work
from .single_flight import Flights
from .store import CorruptEntry, Key, MemoError, Store

if TYPE_CHECKING:
    from ..types import AppliesEdits

log = structlog.get_logger("samebytes.memo")


class MemoEvent(StrEnum):
    """What happened to one request; a checked or mismatched hit is a hit too."""

    HIT = "hit"
    MISS = "miss"
    JOINED = "joined"  # an equal request was being computed, and its answer serves this one too
    CHECKED = "checked"
    MISMATCH = "mismatch"  # an alarm: a kept answer differs from one computed now
    CORRUPT = "corrupt"  # an entry that fails its own hashes; computed again
    UNAVAILABLE = "unavailable"  # the store failed; computed as if there were no memo


@dataclass(frozen=True, slots=True)
class MemoMismatch:
    """The alarm of a cross-check: under one key, a kept answer and one computed now differ.

    Either an entry was tampered with, or the applier is not a function of request and fingerprint. `differs`
    names the fields of EditResult; no part of any file is in here.
    """

    key: Key
    kept_result_sha256: str
    fresh_result_sha256: str
    differs: tuple[str, ...]


class Memoised:
    """`applier` with a memo before it. Same interface, same answers; safe to use from several threads.

    A share `check_rate` (0 to 1) of the hits is computed again and compared; where they differ, `on_mismatch`
    is called (after an error in the log), the entry is dropped and the fresh answer is given. `on_event` is
    called for every event.

    Of equal requests at the same time one is looked up or computed, and the others have its answer.

    What raises (a cancelled edit, an overloaded engine, a bug) is never kept. A refusal is a result, and is.
    In an answer from the memo, times are those of this call, and no tokens went through the model.
    """

    def __init__(
        self,
        applier: AppliesEdits,
        store: Store,
        check_rate: float = 0.01,
        *,
        on_event: Callable[[MemoEvent], None] = lambda event: None,
        on_mismatch: Callable[[MemoMismatch], None] = lambda mismatch: None,
        seed: int | None = None,
    ) -> None:
        if not 0 <= check_rate <= 1:
            raise ValueError("check_rate is a share, from 0 to 1")
        self._applier, self._store, self._check_rate = applier, store, check_rate
        self._on_event, self._on_mismatch = on_event, on_mismatch
        self._random = random.Random(seed)
        self._flights = Flights()

    def fingerprint(self) -> str:
        """The applier's."""
        return self._applier.fingerprint()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def apply(self, request: EditRequest) -> EditResult:
        """The applier's answer. Raises what the applier raises."""
        begin = perf_counter()
        key = Key(request_digest(request), self.fingerprint())
        result, joined = self._flights.share(key, lambda: self._answer(key, request, begin))
        if not joined:
            return result
        self._on_event(MemoEvent.JOINED)
        return replace(without_work(result), timing=_since(begin))

    def _answer(self, key: Key, request: EditRequest, begin: float) -> EditResult:
        """Kept or computed now."""
        kept = self._look_up(key, request)
        if kept is None:
            result = self._applier.apply(request)
            self._keep(key, result)
            return result
        self._on_event(MemoEvent.HIT)
        if self._random.random() < self._check_rate:
            return self._checked(key, kept, self._applier.apply(request))
        return replace(kept, timing=_since(begin))

    def _look_up(self, key: Key, request: EditRequest) -> EditResult | None:
        try:
            entry = self._store.get(key)
            if entry is not None:
                return decode(entry, key, request)
            self._on_event(MemoEvent.MISS)
        except CorruptEntry as error:
            log.error("memo entry is corrupt", request_sha256=key.request_sha256, why=str(error))
            self._on_event(MemoEvent.CORRUPT)
            self._drop(key)
        except MemoError as error:
            self._unavailable(error)
        return None

    def _keep(self, key: Key, result: EditResult) -> None:
        # If the applier's fingerprint has changed meanwhile, the answer belongs under another key.
        if (result.receipt.request_sha256, result.receipt.fingerprint) != key:
            return
        try:
            self._store.put(key, encode(result))
        except MemoError as error:
            self._unavailable(error)

    def _checked(self, key: Key, kept: EditResult, fresh: EditResult) -> EditResult:
        self._on_event(MemoEvent.CHECKED)
        answer = without_work(fresh)
        differs = tuple(f.name for f in fields(kept) if getattr(kept, f.name) != getattr(answer, f.name))
        if differs:
            mismatch = MemoMismatch(key, kept.receipt.result_sha256, fresh.receipt.result_sha256, differs)
            log.error(
                "memo mismatch",
                request_sha256=key.request_sha256,
                fingerprint=key.fingerprint,
                kept_result_sha256=mismatch.kept_result_sha256,
                fresh_result_sha256=mismatch.fresh_result_sha256,
                differs=differs,
            )
            self._on_event(MemoEvent.MISMATCH)
            self._on_mismatch(mismatch)
            self._drop(key)
        return fresh

    def _drop(self, key: Key) -> None:
        try:
            self._store.drop(key)
        except MemoError as error:
            self._unavailable(error)

    def _unavailable(self, error: MemoError) -> None:
        log.warning("memo is unavailable", why=str(error))
        self._on_event(MemoEvent.UNAVAILABLE)


def _since(begin: float) -> Timing:
    return Timing(total_ms=1e3 * (perf_counter() - begin))
