"""Servers in trouble: one of several killed under load, one asked for too much, one for a long time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from applier.api.client import channel_options, target_of
from evals.bench.generator import closed_loop, open_loop, poisson
from evals.bench.harness.load import Load, Traffic
from evals.bench.harness.process import Served, serving
from evals.bench.harness.record import Row, record
from evals.bench.harness.targets import Grpc
from evals.bench.loops import sweep_rates
from evals.bench.samples import Sample, answered, summarise
from evals.bench.soak import SMALL, Usage, as_rows, growth, soak, warm_up

NO_MEMO = {"SAMEBYTES_SERVER_MEMO_BYTES": "0"}


def run_failover(
    model: Path | None,
    load: Load,
    servers: int,
    rate: float,
    seconds: float,
    checked: int,
    seed: int,
    timeout: float = 120.0,
) -> dict[str, Any]:
    """Steady arrivals at `servers` processes, one of which is killed (-9) half-way; clients retry.

    A row for every request, in order of arrival. Up to `checked` requests that were answered after the kill
    are asked again when all is calm: `differ` counts answers that are not the same.
    """
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(serving(model, environment=NO_MEMO)) for _ in range(servers)]
        arrivals = poisson(rate, seconds, seed)
        samples, wall, differ, again = asyncio.run(
            _kill_one(running, load, arrivals, seconds / 2, checked, timeout)
        )
    rows = [
        {"at": round(at, 3), "milliseconds": round(1e3 * sample.seconds, 2), "error": sample.error}
        for at, sample in zip(arrivals, samples, strict=True)
    ]
    settings = {**load.origin, "servers": servers, "rate": rate, "seconds": seconds, "seed": seed}
    return record(
        "failover",
        f"{servers} x samebytes serve",
        settings,
        rows,
        killed_at=seconds / 2,
        summary=summarise(samples, wall),
        asked_again=again,
        differ=differ,
    )


async def _kill_one(
    running: list[Served], load: Load, arrivals: list[float], kill_at: float, checked: int, timeout: float
) -> tuple[list[Sample], float, int, int]:
    addresses = target_of([server.target for server in running])
    target = Grpc(addresses, timeout, options=channel_options())
    traffic = Traffic(load.edits, identical=0.2)
    try:
        killing = asyncio.get_running_loop().call_later(kill_at, running[0].kill)
        samples, wall = await open_loop(target, traffic, arrivals)
        killing.cancel()
        after = [n for n, at in enumerate(arrivals) if at + samples[n].seconds >= kill_at]
        again = [n for n in after if samples[n].digest is not None][:checked]
        differ = 0
        for number in again:
            key, _, request = traffic.request(number)
            digest = answered(key, 0.0, await target.apply(request), 0).digest
            differ += digest != samples[number].digest
        return samples, wall, differ, len(again)
    finally:
        await target.close()


def run_overload(
    model: Path | None,
    load: Load,
    factors: list[float],
    seconds: float,
    seed: int,
    told: Callable[[Row], None],
    timeout: float = 60.0,
) -> dict[str, Any]:
    """What a server of 4 edits at a time and 8 that wait does with `factors` times the rate that it can do.

    The rate that it can do is measured first, with four clients that wait for their answers.
    """
    small = {**NO_MEMO, "SAMEBYTES_SERVER_WORKERS": "4", "SAMEBYTES_SERVER_MAX_WAITING": "8"}

    async def run(server: Served) -> tuple[float, list[Row], int]:
        target = Grpc(server.target, timeout)
        try:
            taken, wall = await closed_loop(target, Traffic(load.edits, 0.0), 4, seconds)
            able = sum(sample.digest is not None for sample in taken) / wall
            rates = [factor * able for factor in factors]
            rows, most = await sweep_rates(target, load.edits, 0.2, rates, seconds, seed, told)
            return able, rows, most
        finally:
            await target.close()

    with serving(model, environment=small) as server:
        able, rows, most = asyncio.run(run(server))
    settings = {**load.origin, "seconds": seconds, "workers": 4, "max_waiting": 8, "seed": seed}
    rows = [{"times_what_it_can_do": factor, **row} for factor, row in zip(factors, rows, strict=True)]
    return record(
        "overload",
        "samebytes serve",
        settings,
        rows,
        requests_per_second_at_ease=round(able, 3),
        distinct_results_per_request=most,
    )


def run_soak(
    model: Path | None,
    load: Load,
    identical: float,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    timeout: float = 60.0,
) -> dict[str, Any]:
    """A row for every observation of the process; `grew` says what its memory, files and threads did."""

    async def run(server: Served) -> tuple[list[Sample], list[Usage], float]:
        target = Grpc(server.target, timeout)
        try:
            await warm_up(target, load.edits)
            traffic = Traffic(load.edits, identical)
            return await soak(target, traffic, server.pid, rate, seconds, every, seed)
        finally:
            await target.close()

    with serving(model, environment=SMALL) as server:
        samples, usages, wall = asyncio.run(run(server))
    settings = {**load.origin, "rate": rate, "seconds": seconds, "identical": identical, "seed": seed}
    summary, rows = summarise(samples, wall), as_rows(usages)
    return record("soak", "samebytes serve", settings, rows, summary=summary, grew=growth(usages))
