"""Send requests: at given times whatever the answers do (open loop), or so many at a time (closed loop)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from applier.types import EditRequest
from evals.bench.harness.load import LoadEdit, Traffic
from evals.bench.harness.targets import Target, TargetError
from evals.bench.samples import Sample, answered


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Times of arrival in [0, seconds), ascending, with exponential gaps of mean 1 / rate."""
    if rate <= 0:
        raise ValueError("a rate of arrivals is more than 0 a second")
    draw = random.Random(seed)
    times: list[float] = []
    at = draw.expovariate(rate)
    while at < seconds:
        times.append(at)
        at += draw.expovariate(rate)
    return times


async def open_loop(
    target: Target, traffic: Traffic, arrivals: Sequence[float]
) -> tuple[list[Sample], float]:
    """(a sample of each request in order of arrival, seconds until the last answer)."""
    begin = time.perf_counter()
    tasks: list[asyncio.Task[Sample]] = []
    for number, at in enumerate(arrivals):
        request = traffic.request(number)
        wait = begin + at - time.perf_counter()
        # Sleeping 0 lets answers be taken in while the generator is late.
        await asyncio.sleep(max(wait, 0))
        tasks.append(asyncio.create_task(_one(target, request, begin + at)))
    samples = list(await asyncio.gather(*tasks))
    return samples, time.perf_counter() - begin


async def closed_loop(
    target: Target, traffic: Traffic, concurrency: int, seconds: float, most: int | None = None
) -> tuple[list[Sample], float]:
    """`concurrency` clients, each of which sends its next request when it has its answer, for `seconds` or
    until `most` requests were sent. (samples, seconds until the last answer).
    """
    begin = time.perf_counter()
    samples: list[Sample] = []
    sent = 0

    async def client() -> None:
        nonlocal sent
        while time.perf_counter() - begin < seconds and (most is None or sent < most):
            request = traffic.request(sent)
            sent += 1
            samples.append(await _one(target, request, time.perf_counter()))

    await asyncio.gather(*(client() for _ in range(concurrency)))
    return samples, time.perf_counter() - begin


async def _one(target: Target, asked: tuple[str, LoadEdit, EditRequest], due: float) -> Sample:
    key, edit, request = asked
    try:
        result = await target.apply(request)
    except TargetError as error:
        return Sample(key, time.perf_counter() - due, error=str(error))
    return answered(key, time.perf_counter() - due, result, edit.whole_tokens)
