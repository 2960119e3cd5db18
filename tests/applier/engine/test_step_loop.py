"""The step loop: admission, fairness, preemption, cancellation, failures."""

import random

import pytest

from applier.cancellation import Cancelled, CancelToken
from applier.engine.job import Job
from applier.engine.options import CacheBudgetError, SchedulerOptions
from applier.engine.step_loop import StepLoop
from applier.merge.result import DecodeError, DecodeOptions
from tests.applier.engine.merges import essence, job, task
from tests.applier.tiny_model import model

CACHE = model().cache_bytes(model().config.max_position)


def loop(batch_tokens: int = 256, cache_bytes: int = 4 * CACHE, **more) -> StepLoop:
    return StepLoop(model(), SchedulerOptions(batch_tokens=batch_tokens, cache_bytes=cache_bytes, **more))


def finish(steps: StepLoop, *jobs) -> list:
    for one in jobs:
        steps.add(one)
    while steps.busy:
        steps.step()
    return [essence(one) for one in jobs]


def alone(number: int, length: int, bias: float, limit: int = 0):
    return finish(loop(prefix_bytes=0), job(number, length, bias=bias, limit=limit))[0]


def test_a_new_merge_joins_at_the_next_step_and_leaves_when_done():
    steps = loop(batch_tokens=256)
    long, short = job(1, 40), job(2, 3)
    steps.add(long)
    steps.step()
    steps.add(short)
    report = steps.step()
    assert report.batch_merges == 2
    assert report.batch_tokens <= 256
    while not short.answer.done():
        steps.step()
    assert not long.answer.done()
    assert steps.running == [long]
    while steps.busy:
        assert steps.step().batch_tokens <= 256


def test_a_small_edit_behind_twenty_huge_ones_finishes_long_before_them():
    steps = loop(batch_tokens=128, cache_bytes=8 * CACHE)
    huge = [job(number, 60) for number in range(20)]
    for one in huge:
        steps.add(one)
    for _ in range(5):
        steps.step()
    small = job(99, 3)
    steps.add(small)
    waited = 0
    while not small.answer.done():
        steps.step()
        waited += 1
    assert not any(one.answer.done() for one in huge)
    total = waited
    while steps.busy:
        steps.step()
        total += 1
    assert waited * 10 < total
    # The control: first come, first served is what the shares prevent.
    assert all(essence(one) == alone(number, 60, 1e30) for number, one in list(enumerate(huge))[:2])


def test_a_call_of_many_merges_gets_the_share_of_one():
    steps = loop(batch_tokens=256)
    many = Job.of_call([task(number, 20) for number in range(12)], None)
    one = job(50, 20)
    for each in (*many, one):
        steps.add(each)
    while not one.answer.done():
        steps.step()
    assert sum(each.answer.done() for each in many) <= 2


def test_what_does_not_fit_waits_and_memory_stays_bounded():
    steps = loop(cache_bytes=CACHE, prefix_bytes=CACHE // 4)
    jobs = [job(number, 40) for number in range(12)]
    for one in jobs:
        steps.add(one)
    most = waiting = 0
    while steps.busy:
        report = steps.step()
        most = max(most, report.cache_bytes + report.prefix_bytes)
        waiting = max(waiting, report.waiting)
    assert waiting > 0
    assert CACHE // 2 < most <= CACHE
    assert steps.memory.running_bytes == 0
    assert [essence(one) for one in jobs[:2]] == [alone(number, 40, 1e30) for number in range(2)]


def test_a_huge_merge_gives_way_to_a_small_one_and_goes_on_with_the_same_bits():
    steps = loop(batch_tokens=64, cache_bytes=CACHE, prefix_bytes=0)
    limit = 4000 - len(task(1, 30).prompt)  # with room for a long answer nearly the whole budget
    huge, small = job(1, 30, limit=limit), job(2, 3, limit=400)
    steps.add(huge)
    while not huge.task.written:
        steps.step()
    steps.add(small)
    preempted = steps.step().preempted
    assert preempted == 1
    assert huge.task.cache is None
    while steps.busy:
        steps.step()
    assert huge.task.begun == 2
    assert essence(huge) == alone(1, 30, 1e30, limit)
    assert essence(small) == alone(2, 3, 1e30, 400)


def test_a_merge_is_not_preempted_for_ever():
    steps = loop(batch_tokens=64, cache_bytes=CACHE, prefix_bytes=0)
    huge = job(1, 30, limit=3000)
    steps.add(huge)
    number = 2
    while not huge.answer.done():
        if steps.waiting.cost == 0:
            number += 1
            steps.add(job(number, 3, limit=400))
        steps.step()
        assert number < 1000
    assert huge.preempted <= 2


def test_a_cancelled_merge_frees_its_memory_at_the_next_step():
    steps = loop()
    token = CancelToken()
    running, other = job(1, 60, cancel=token), job(2, 60)
    steps.add(running)
    steps.add(other)
    before = steps.step().cache_bytes
    token.cancel()
    report = steps.step()
    assert report.cancelled == 1
    assert report.cache_bytes == before - model().cache_bytes(running.task.capacity)
    assert running.task.cache is None
    with pytest.raises(Cancelled):
        running.answer.result(timeout=0)
    while steps.busy:
        steps.step()
    assert essence(other) == alone(2, 60, 1e30)


def test_a_cancelled_merge_that_waits_never_begins():
    steps = loop(cache_bytes=CACHE, prefix_bytes=0)
    token = CancelToken()
    first, second = job(1, 30, limit=3000), job(2, 30, cancel=token, limit=3000)
    steps.add(first)
    steps.add(second)
    assert steps.step().waiting == 1
    token.cancel()
    assert steps.step().waiting == 0
    assert second.task.begun == 0


def test_a_merge_without_end_and_a_failing_pass_end_alone(monkeypatch):
    steps = loop()
    endless, fine = job(1, 6, limit=3), job(2, 6)
    finish(steps, endless, fine)
    assert isinstance(endless.answer.result(), DecodeError)
    broken = job(3, 6)
    steps.add(broken)
    with monkeypatch.context() as patch:
        patch.setattr(model().backend, "forward", lambda _: (_ for _ in ()).throw(MemoryError()))
        steps.step()
    with pytest.raises(MemoryError):
        broken.answer.result(timeout=0)
    assert steps.memory.running_bytes == 0
    assert finish(steps, job(2, 6)) == [alone(2, 6, 1e30)]


def test_the_next_edit_of_a_file_takes_its_beginning_from_the_prefix_cache():
    steps = loop()
    finish(steps, job(1, 40))
    again = job(1, 40)
    steps.add(again)
    hit = steps.step().prefix_hit_tokens
    while steps.busy:
        steps.step()
    assert hit == (len(again.task.prompt) - 1) // model().block * model().block
    assert again.task.passes == 1 or again.task.passes < alone_passes(40)
    assert essence(again) == alone(1, 40, 1e30)


def test_of_equal_prompts_that_come_together_one_is_computed():
    steps = loop(batch_tokens=128)
    jobs = [job(1, 40) for _ in range(6)]
    for one in jobs:
        steps.add(one)
    tokens = 0
    while steps.busy:
        tokens += steps.step().batch_tokens
    assert [essence(one) for one in jobs] == [alone(1, 40, 1e30)] * 6
    prompt = len(jobs[0].task.prompt)
    answers = sum(len(one.task.written) + model().block for one in jobs)
    assert prompt < tokens < 2 * prompt + answers
    # Without a prefix cache each is computed.
    steps = loop(batch_tokens=128, prefix_bytes=0)
    finish(steps, *(job(1, 40) for _ in range(6)))
    assert steps.memory.prefixes.nbytes == 0


def alone_passes(length: int) -> int:
    one = job(1, length)
    finish(loop(prefix_bytes=0), one)
    return one.task.passes


def test_a_budget_below_one_full_cache_is_refused():
    with pytest.raises(CacheBudgetError, match="do not hold one"):
        loop(cache_bytes=CACHE - 1)


def test_arrival_chunks_cache_state_preemption_and_drafts_change_no_bit():
    """One merge forty times among others, each time in other company."""
    rng = random.Random(7)
    wanted = {bias: alone(0, 25, bias) for bias in (0.0, 6.0, 1e30)}
    seen = {bias: set() for bias in wanted}
    passes = set()
    for _ in range(3):
        steps = loop(
            batch_tokens=rng.choice([48, 200, 1024]),
            cache_bytes=rng.choice([CACHE, 3 * CACHE]),
            prefix_bytes=rng.choice([0, CACHE // 8, CACHE // 2]),
        )
        jobs = []
        for _ in range(20):
            options = DecodeOptions(rng.choice([16, 50, None]), rng.choice([0, 9, None]))
            same = rng.random() < 0.4
            number = 0 if same else rng.randrange(1, 6)
            bias = rng.choice(list(wanted))
            one = job(number, 25 if same else rng.randrange(2, 20), bias=bias, options=options)
            jobs.append((bias if same else None, one))
        waiting = list(jobs)
        while waiting or steps.busy:
            for _, one in waiting[: rng.randrange(6)]:
                steps.add(one)
                waiting.pop(0)
            victims = [one for one in steps.running if one.preempted < 3]
            if victims and rng.random() < 0.2:
                steps.preempt(rng.choice(victims))
            steps.step()
        for bias, one in jobs:
            if bias is not None:
                seen[bias].add(essence(one))
                passes.add(one.task.passes)
    assert seen == {bias: {one} for bias, one in wanted.items()}
    assert len(passes) > 5, "the company was different indeed"


def test_the_hash_tells_results_apart():
    assert alone(0, 10, 1e30) != alone(0, 10, 0.0)
    assert task(1).prompt != task(2).prompt
