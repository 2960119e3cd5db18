"""Rates of arrival and numbers of clients, one after the other, against one target."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from evals.bench.generator import closed_loop, open_loop, poisson
from evals.bench.harness.load import Load, LoadEdit, Traffic
from evals.bench.harness.record import Row, record
from evals.bench.harness.targets import Target
from evals.bench.samples import Sample, distinct_results, summarise

Sweep = Coroutine[Any, Any, tuple[list[Row], int]]


def run_sweep(
    kind: str,
    target: Target,
    load: Load,
    sweep: Callable[[Target, Load], Sweep],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """The record of a sweep over `target`, which is closed."""

    async def run() -> tuple[list[Row], int]:
        try:
            return await sweep(target, load)
        finally:
            await target.close()

    rows, most = asyncio.run(run())
    settings = {"load": load.source, **settings}
    return record(kind, target.name, settings, rows, distinct_results_per_request=most)


async def sweep_rates(
    target: Target,
    edits: Sequence[LoadEdit],
    identical: float,
    rates: Sequence[float],
    seconds: float,
    seed: int,
    told: Callable[[Row], None] = lambda row: None,
) -> tuple[list[Row], int]:
    """(a row for every offered rate a second, the most distinct answers that one request got in all rows).

    Rows share only the identical requests: what one has left in a cache helps no other.
    """
    samples: list[Sample] = []
    rows: list[Row] = []
    for number, rate in enumerate(rates, start=1):
        traffic = Traffic(edits, identical, first_turn=1000 * number)
        taken, wall = await open_loop(target, traffic, poisson(rate, seconds, seed))
        rows.append({"offered_per_second": rate, **summarise(taken, wall)})
        told(rows[-1])
        samples += taken
    return rows, distinct_results(samples)[0]


async def sweep_concurrency(
    target: Target,
    edits: Sequence[LoadEdit],
    identical: float,
    clients: Sequence[int],
    seconds: float,
    most: int | None = None,
    told: Callable[[Row], None] = lambda row: None,
) -> tuple[list[Row], int]:
    """The same for numbers of clients that each wait for their answer before they ask again."""
    samples: list[Sample] = []
    rows: list[Row] = []
    for number, at_a_time in enumerate(clients, start=1):
        traffic = Traffic(edits, identical, first_turn=1000 * number)
        taken, wall = await closed_loop(target, traffic, at_a_time, seconds, most)
        rows.append({"clients": at_a_time, **summarise(taken, wall)})
        told(rows[-1])
        samples += taken
    return rows, distinct_results(samples)[0]
