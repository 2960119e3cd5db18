"""Merges handed in by many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from applier.cancellation import Cancelled, CancelToken, cancel_scope
from applier.engine.engine import run_tasks
from applier.engine.options import SchedulerClosed, SchedulerFull, SchedulerOptions
from applier.engine.scheduler import Scheduler
from applier.engine.step_loop import StepReport
from applier.merge.result import DecodeError
from tests.applier.engine.merges import task
from tests.applier.tiny_model import model


def test_merges_of_many_threads_share_passes_and_get_what_they_get_alone():
    wanted = [run_tasks(model(), [task(number, 12)])[0] for number in range(6)]
    reports: list[StepReport] = []
    tasks = [[task(number, 12) for number in range(6)] for _ in range(8)]
    gate = threading.Barrier(8)

    def run(mine):
        gate.wait()
        return scheduler.run(mine)

    scheduler = Scheduler(model(), SchedulerOptions(batch_tokens=2048), reports.append)
    with closing(scheduler), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(run, tasks))
    for answer in answers:
        assert [merge.ids for merge in answer] == [merge.ids for merge in wanted]
        assert [merge.logits_sha256 for merge in answer] == [merge.logits_sha256 for merge in wanted]
    assert max(report.batch_merges for report in reports) > 6, "calls met in one pass"
    assert len(reports) < sum(one.passes for mine in tasks for one in mine)
    assert (reports[-1].running, reports[-1].waiting, reports[-1].cache_bytes) == (0, 0, 0)


def test_an_error_of_one_merge_is_its_own_answer():
    with closing(Scheduler(model())) as scheduler:
        failed, fine = scheduler.run([task(1, limit=3), task(2)])
    assert isinstance(failed, DecodeError)
    assert fine.agrees


class SlowPasses:
    """Makes the model's passes wait until `go` is set."""

    def __init__(self, patch) -> None:
        self.go, self.entered = threading.Event(), threading.Event()
        forward = model().backend.forward

        def slow(segments):
            self.entered.set()
            self.go.wait(20)
            return forward(segments)

        patch.setattr(model().backend, "forward", slow)


def test_a_cancelled_call_returns_and_the_others_go_on(monkeypatch):
    slow = SlowPasses(monkeypatch)
    token = CancelToken()

    def cancelled():
        with cancel_scope(token), pytest.raises(Cancelled):
            scheduler.run([task(1, 40)])
        return True

    options = SchedulerOptions(batch_tokens=64)
    with closing(Scheduler(model(), options)) as scheduler, ThreadPoolExecutor(2) as pool:
        first, other = pool.submit(cancelled), pool.submit(scheduler.run, [task(2, 40)])
        slow.entered.wait(20)
        token.cancel()
        slow.go.set()
        assert first.result(20)
        assert other.result(20)[0].agrees


def test_too_many_waiting_merges_are_turned_away_with_a_delay(monkeypatch):
    slow = SlowPasses(monkeypatch)
    options = SchedulerOptions(max_running=1, max_waiting=2)
    with closing(Scheduler(model(), options)) as scheduler, ThreadPoolExecutor(3) as pool:
        running = pool.submit(scheduler.run, [task(1)])
        slow.entered.wait(20)
        waiting = [pool.submit(scheduler.run, [task(n)]) for n in (2, 3)]
        deadline = time.monotonic() + 20
        while scheduler.waiting < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        with pytest.raises(SchedulerFull) as caught:
            scheduler.run([task(4)])
        assert 1 <= caught.value.retry_seconds <= 60
        slow.go.set()
        assert all(future.result(20)[0].agrees for future in (running, *waiting))
        assert scheduler.run([task(4)])[0].agrees


def test_closing_finishes_what_there_is_and_takes_no_more(monkeypatch):
    slow = SlowPasses(monkeypatch)
    scheduler = Scheduler(model(), SchedulerOptions(max_running=1))
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(scheduler.run, [task(0)])]
        slow.entered.wait(20)
        futures += [pool.submit(scheduler.run, [task(n)]) for n in (1, 2)]
        closer = threading.Thread(target=scheduler.close)
        closer.start()
        slow.go.set()
        closer.join(20)
        outcomes = [future.exception(20) for future in futures]
    assert outcomes[0] is None
    assert all(error is None or isinstance(error, SchedulerClosed) for error in outcomes)
    with pytest.raises(SchedulerClosed):
        scheduler.run([task(1)])


def test_closing_without_draining_ends_what_there_is(monkeypatch):
    slow = SlowPasses(monkeypatch)
    scheduler = Scheduler(model(), SchedulerOptions(batch_tokens=32))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(scheduler.run, [task(1, 40)])
        slow.entered.wait(20)
        closer = threading.Thread(target=scheduler.close, kwargs={"drain": False})
        closer.start()
        while scheduler._open:
            time.sleep(0.001)
        slow.go.set()
        closer.join(20)
        assert isinstance(future.exception(20), Cancelled)


def test_a_failing_pass_reaches_the_caller_and_the_next_call_is_served(monkeypatch):
    with closing(Scheduler(model())) as scheduler:
        with monkeypatch.context() as patch:
            patch.setattr(model().backend, "forward", lambda _: (_ for _ in ()).throw(MemoryError()))
            with pytest.raises(MemoryError):
                scheduler.run([task(1)])
        assert scheduler.run([task(1)])[0].agrees
