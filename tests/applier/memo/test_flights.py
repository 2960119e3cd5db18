"""Equal requests at the same time are computed once, and nobody gets another one's error."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from applier.cancellation import Cancelled, CancelToken, cancel_scope, check_cancelled
from applier.memo import MemoEvent, Memoised, MemoryStore
from applier.memo.entry import without_work
from applier.memo.single_flight import Flights
from applier.types import EditRequest, EditResult
from tests.applier.memo.requests import CountingApplier, key_of, request

CALLERS = 1000


class HeldApplier(CountingApplier):
    """Computes only when `go` is set, after `before`, which may raise."""

    def __init__(self, before: Callable[[int], None] = lambda number: None) -> None:
        super().__init__()
        self.go, self.before, self.started = threading.Event(), before, threading.Semaphore(0)
        self._number, self._lock = 0, threading.Lock()

    def apply(self, request: EditRequest) -> EditResult:
        with self._lock:
            number, self._number = self._number, self._number + 1
        self.started.release()
        while not self.go.wait(0.01):
            check_cancelled()
        self.before(number)
        return super().apply(request)


def at_once(memo: Memoised, asked: list[EditRequest], tokens: dict[int, CancelToken] | None = None):
    pool = ThreadPoolExecutor(len(asked))

    def ask(number: int) -> EditResult:
        with cancel_scope((tokens or {}).get(number, CancelToken())):
            return memo.apply(asked[number])

    futures = [pool.submit(ask, number) for number in range(len(asked))]
    pool.shutdown(wait=False)
    return futures


def wait_for_all_to_wait(futures: list[Future]) -> None:
    threading.Event().wait(0.3)
    assert not any(future.done() for future in futures)


def test_a_thousand_equal_requests_compute_once():
    applier, events = HeldApplier(), Counter()
    memo = Memoised(applier, MemoryStore(1 << 20), 0.0, on_event=lambda event: events.update([event]))
    futures = at_once(memo, [request()] * CALLERS)
    assert applier.started.acquire(timeout=30)
    applier.go.set()
    answers = {repr(without_work(future.result(30))) for future in futures}
    assert len(answers) == 1
    assert applier.calls.total() == 1
    assert events[MemoEvent.MISS] == 1
    assert events[MemoEvent.JOINED] + events[MemoEvent.HIT] == CALLERS - 1
    assert len(memo._flights) == 0


def test_different_requests_do_not_wait_for_each_other():
    applier = HeldApplier()
    memo = Memoised(applier, MemoryStore(1 << 20), 0.0)
    futures = at_once(memo, [request(number) for number in range(8)])
    assert all(applier.started.acquire(timeout=30) for _ in range(8))
    applier.go.set()
    assert len({future.result(30).content for future in futures}) == 8


def test_an_error_of_the_first_is_its_own():
    def fail_first(number: int) -> None:
        if number == 0:
            raise RuntimeError("only here")

    applier = HeldApplier(fail_first)
    memo = Memoised(applier, MemoryStore(1 << 20), 0.0)
    futures = at_once(memo, [request()] * 20)
    wait_for_all_to_wait(futures)
    applier.go.set()
    failed = [future for future in futures if future.exception(30)]
    assert len(failed) == 1
    with pytest.raises(RuntimeError, match="only here"):
        failed[0].result()
    assert len({future.result().content for future in futures if future not in failed}) == 1


def test_when_the_first_is_cancelled_one_of_the_others_computes():
    applier, first = HeldApplier(), CancelToken()
    memo = Memoised(applier, MemoryStore(1 << 20), 0.0)
    alone = at_once(memo, [request()], {0: first})
    assert applier.started.acquire(timeout=30)
    others = at_once(memo, [request()] * 50)
    wait_for_all_to_wait(others)
    first.cancel()
    assert applier.started.acquire(timeout=30)
    applier.go.set()
    assert isinstance(alone[0].exception(30), Cancelled)
    assert len({future.result(30).content for future in others}) == 1
    assert applier.calls.total() == 1


def test_one_that_waits_can_be_cancelled_alone():
    applier, token = HeldApplier(), CancelToken()
    memo = Memoised(applier, MemoryStore(1 << 20), 0.0)
    first = at_once(memo, [request()])
    assert applier.started.acquire(timeout=30)
    waiting = at_once(memo, [request()] * 2, {1: token})
    token.cancel()
    assert isinstance(waiting[1].exception(30), Cancelled)
    applier.go.set()
    assert waiting[0].result(30).content == first[0].result(30).content


def test_a_flight_is_over_when_it_has_landed():
    flights, key = Flights(), key_of(request())
    result = CountingApplier().apply(request())
    assert flights.share(key, lambda: result) == (result, False)
    other = replace(result, confidence=0.5)
    assert flights.share(key, lambda: other) == (other, False)
