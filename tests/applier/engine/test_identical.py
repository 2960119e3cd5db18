"""One request a thousand times among others: one result, one hash of the logits, whatever the schedule."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from threading import Thread

import pytest

from applier import EditFormat, EditOptions, EditRequest
from applier.engine.options import SchedulerOptions
from applier.engine.scheduler import Scheduler
from applier.engine.step_loop import StepReport
from applier.merge.result import DecodeOptions
from tests.applier.tiny_applier import tiny_applier
from tests.applier.tiny_model import model

CACHE = model().cache_bytes(model().config.max_position)
BIAS = 8.0  # the random model follows the proposal for a while, leaves it, and finds back


def request(number: int, lines: int = 6) -> EditRequest:
    body = [f"    value_{number}_{line} = {line * 7 % 5}" for line in range(lines)]
    edit = ["# ... existing code ...", body[lines // 2], f"    added_{number} = True", body[lines // 2 + 1]]
    return EditRequest(
        original="\n".join(["def f():", *body, "    return 0", ""]).encode(),
        edit="\n".join([*edit, "# ... existing code ...", ""]).encode(),
        path="x.py",
        format=EditFormat.LAZY,
        options=EditOptions(min_confidence=0.0, syntax_gate=False),
    )


def ask(applier, one: EditRequest):
    """All that must not depend on the schedule."""
    traced = applier.trace_many([one], hash_logits=True)[0]
    result = traced.result
    logits = tuple(merge.logits_sha256 for merge in traced.merges)
    return result.status, result.receipt, result.diff, result.confidence, logits


def storm(identical: int, different: int, rounds: int, callers: int, seed: int) -> list[StepReport]:
    """`identical` times the same request amid others, in rounds of different limits, from many threads.

    Every round has a scheduler of its own; each caller has a chunk and a draft length of its own, the order
    of requests and how callers meet is random, memory is short, and some caches are taken away.
    """
    rng = random.Random(seed)
    seen: dict[int, set] = {}
    reports: list[StepReport] = []
    asked = [0] * identical + [1 + n % (different // 2) for n in range(different)]
    rng.shuffle(asked)
    for round_ in range(rounds):
        options = SchedulerOptions(
            batch_tokens=rng.choice([96, 300, 1024, 8192]),
            max_running=rng.choice([4, 32, 256]),
            cache_bytes=rng.choice([CACHE, 2 * CACHE, 40 * CACHE]),
            prefix_bytes=[0, CACHE // 4, CACHE][round_ % 3],
        )
        mine = asked[round_::rounds]
        with closing(Scheduler(model(), options, reports.append)) as scheduler:
            disturb(scheduler, random.Random(seed + round_))
            threads = []
            for caller in range(callers):
                cut = DecodeOptions(rng.choice([7, 64, None]), rng.choice([0, 3, 32, None]))
                applier = tiny_applier(cut, bias=BIAS)
                assert applier.engine is not None
                applier.engine.scheduler = scheduler
                numbers = mine[caller::callers]

                def work(applier=applier, numbers=numbers) -> None:
                    for number in numbers:
                        found = ask(applier, request(number, 6 if number % 9 else 14))
                        seen.setdefault(number, set()).add(found)

                threads.append(Thread(target=work))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    alone = ask(tiny_applier(bias=BIAS), request(0, 14))
    assert alone[-1], "the model decided something"
    assert seen[0] == {alone}
    assert all(len(each) == 1 for each in seen.values())
    assert len(set.union(*seen.values())) == 1 + different // 2, "other requests have other results"
    return reports


def disturb(scheduler: Scheduler, rng: random.Random) -> None:
    """Before some steps takes a running merge's cache away, before others empties the prefix cache."""
    loop = scheduler._loop
    step = loop.step

    def disturbed() -> StepReport:
        victims = [job for job in loop.running if job.preempted < 2]
        if victims and rng.random() < 0.1:
            loop.preempt(rng.choice(victims))
        if rng.random() < 0.02:
            loop.memory.prefixes.clear()
        return step()

    loop.step = disturbed


def test_identical_requests_among_others_have_one_result():
    reports = storm(identical=50, different=100, rounds=3, callers=16, seed=1)
    check_disturbance(reports)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_identical_requests_among_four_thousand_have_one_result():
    reports = storm(identical=1000, different=4000, rounds=10, callers=64, seed=2)
    check_disturbance(reports)


def check_disturbance(reports: list[StepReport]) -> None:
    """The schedule was as uneven as the test claims."""
    assert any(report.waiting for report in reports)
    assert any(report.prefix_hit_tokens for report in reports)
    assert len({report.batch_tokens for report in reports}) > 20
    assert max(report.batch_merges for report in reports) > 3


def test_a_schedule_that_changed_results_would_be_seen(monkeypatch):
    """The control: a cache that begins with another prompt's block changes the logits' hash."""
    applier = tiny_applier(bias=BIAS)
    plain = ask(applier, request(0))
    with closing(Scheduler(model(), SchedulerOptions(max_running=1))) as scheduler:
        applier.engine.scheduler = scheduler
        ask(applier, request(1))
        monkeypatch.setattr(
            scheduler._loop.memory.prefixes, "find", lambda keys: [*scheduler_blocks(scheduler)][: len(keys)]
        )
        wrong = ask(applier, replace(request(0), path="y.py"))
        right = ask(tiny_applier(bias=BIAS), replace(request(0), path="y.py"))
    assert wrong != right
    assert plain != wrong


def scheduler_blocks(scheduler: Scheduler):
    return scheduler._loop.memory.prefixes._blocks.values()
