"""Open and closed loops against targets whose times are known."""

import asyncio
import itertools

import pytest

from applier import Applier
from evals.bench.generator import closed_loop, open_loop, poisson
from evals.bench.harness.load import Traffic
from evals.bench.harness.targets import InProcess, TargetError
from evals.bench.loops import sweep_rates
from evals.bench.samples import distinct_results


class Slow:
    """Answers one request at a time, each after `seconds`; keeps count of how many wait together."""

    name = "slow"

    def __init__(self, seconds):
        self.seconds, self.applier, self.turn = seconds, Applier.without_model(), asyncio.Lock()
        self.inside = self.most = 0

    async def apply(self, request):
        self.inside += 1
        self.most = max(self.most, self.inside)
        async with self.turn:
            await asyncio.sleep(self.seconds)
        self.inside -= 1
        return self.applier.apply(request)

    async def close(self):
        pass


def test_arrivals_are_poisson_and_a_function_of_the_seed():
    times = poisson(200.0, 50.0, seed=3)
    assert times == poisson(200.0, 50.0, seed=3) != poisson(200.0, 50.0, seed=4)
    assert len(times) == pytest.approx(10_000, rel=0.05)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    assert min(gaps) >= 0
    assert sum((gap - mean) ** 2 for gap in gaps) / len(gaps) == pytest.approx(mean**2, rel=0.1)
    with pytest.raises(ValueError, match="rate"):
        poisson(0, 1, 0)


def test_an_open_loop_does_not_wait_for_answers_and_charges_for_the_queue(load):
    async def run():
        target = Slow(0.02)
        samples, wall = await open_loop(target, Traffic(load.edits), [0.0] * 10)
        return target.most, samples, wall

    most, samples, wall = asyncio.run(run())
    assert most == 10
    assert wall >= 0.2
    assert samples[-1].seconds >= 0.2, "the last waited for nine others"


def test_a_closed_loop_has_as_many_in_flight_as_clients(load):
    async def run():
        target = Slow(0.001)
        samples, _ = await closed_loop(target, Traffic(load.edits), 4, seconds=60, most=30)
        return target.most, samples

    most, samples = asyncio.run(run())
    assert (most, len(samples)) == (4, 30)


def test_rates_in_process(load):
    async def run():
        target = InProcess(Applier.without_model(), 2)
        edits = [edit for edit in load.edits if not edit.merges]
        try:
            return await sweep_rates(target, edits, 0.5, [50.0, 100.0], 0.5, seed=0)
        finally:
            await target.close()

    rows, most = asyncio.run(run())
    assert most == 1
    assert [row["offered_per_second"] for row in rows] == [50.0, 100.0]
    assert all(row["requests"] == row["answered"] > 0 and row["errors"] == {} for row in rows)


def test_errors_and_differing_answers_are_seen(load):
    exact = [edit for edit in load.edits if not edit.merges]

    class Faulty(Slow):
        calls = 0

        async def apply(self, request):
            self.calls += 1
            if self.calls % 3 == 0:
                raise TargetError("UNAVAILABLE")
            return await super().apply(exact[self.calls % 3].request())

    async def run():
        return await closed_loop(Faulty(0), Traffic(load.edits, identical=1.0), 1, seconds=60, most=12)

    samples, _ = asyncio.run(run())
    assert sum(sample.error == "UNAVAILABLE" for sample in samples) == 4
    assert distinct_results(samples)[0] == 2
