"""Merged tokens a second of the model in this process: one edit after the other, in batches, in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from applier.align.table_native import trusted_table
from applier.pipeline import Applier
from evals.bench.generator import closed_loop
from evals.bench.harness.load import Load, LoadEdit, Traffic
from evals.bench.harness.record import Row, record, tell
from evals.bench.harness.targets import InProcess
from evals.bench.samples import Sample, answered, distinct_results, summarise

WARM_TURN = 1_000_000  # file names that no measured request has
BATCHES, THREADS = (8, 64, 256), (8, 64)
IDENTICAL = 0.05  # share of requests that are always the same one, to compare its answers


def warm_up(applier: Applier, edits: Sequence[LoadEdit], batches: Sequence[int], seconds: float) -> None:
    """Compile and capture what the measured requests will need: edits alone, then in the largest batch."""
    end = time.perf_counter() + seconds
    for turn, size in enumerate((1, *batches)):
        for first in range(0, max(len(edits), size), size):
            if time.perf_counter() > end:
                return
            requests = [edits[(first + i) % len(edits)].request(WARM_TURN + turn) for i in range(size)]
            applier.apply_many(requests)


def single_stream(applier: Applier, edits: Sequence[LoadEdit], seconds: float) -> tuple[Row, list[Sample]]:
    """Every edit alone, in turn, until `seconds` are over."""
    samples: list[Sample] = []
    steps: list[dict[str, float]] = []
    begin = time.perf_counter()
    for edit in edits:
        if samples and time.perf_counter() - begin > seconds:
            break
        request = edit.request()
        started = time.perf_counter()
        result = applier.apply(request)
        samples.append(answered(edit.case.id, time.perf_counter() - started, result, edit.whole_tokens))
        steps.append(asdict(result.timing))
    row = {"mode": "single stream", "at_a_time": 1} | summarise(samples, sum(s.seconds for s in samples))
    row["step_milliseconds"] = {name: round(mean(step[name] for step in steps), 3) for name in steps[0]}
    return row, samples


def batched(applier: Applier, traffic: Traffic, size: int, seconds: float) -> tuple[Row, list[Sample]]:
    """`apply_many` of `size` different edits, again and again until `seconds` are over."""
    samples: list[Sample] = []
    number = 0
    begin = time.perf_counter()
    while not samples or time.perf_counter() - begin < seconds:
        asked = [traffic.request(number + i) for i in range(size)]
        number += size
        started = time.perf_counter()
        results = applier.apply_many([request for _, _, request in asked])
        took = time.perf_counter() - started
        samples += [
            answered(key, took, result, edit.whole_tokens)
            for (key, edit, _), result in zip(asked, results, strict=True)
        ]
    wall = time.perf_counter() - begin
    return {"mode": "apply_many", "at_a_time": size} | summarise(samples, wall), samples


def threaded(applier: Applier, traffic: Traffic, threads: int, seconds: float) -> tuple[Row, list[Sample]]:
    """`apply` from so many threads, which the engine may put into common passes."""

    async def run() -> tuple[list[Sample], float]:
        target = InProcess(applier, threads)
        try:
            return await closed_loop(target, traffic, threads, seconds)
        finally:
            await target.close()

    samples, wall = asyncio.run(run())
    return {"mode": "threads", "at_a_time": threads} | summarise(samples, wall), samples


def bench_engine(
    applier: Applier,
    edits: Sequence[LoadEdit],
    batches: Sequence[int],
    threads: Sequence[int],
    seconds: float,
    told: Callable[[Row], None] = lambda row: None,
) -> tuple[list[Row], int]:
    """(the rows, the most distinct answers that one request got in all modes). Each row takes `seconds`, and
    the warm-up at most as long as all rows.
    """
    warm_up(applier, edits, (*batches, *threads), seconds * (1 + len(batches) + len(threads)))
    row, samples = single_stream(applier, edits, seconds)
    told(row)
    rows = [row]
    modes = [(batched, size) for size in batches] + [(threaded, size) for size in threads]
    for number, (mode, size) in enumerate(modes, start=1):
        # Names of its own for every row: what one has left in a prefix cache helps no other.
        traffic = Traffic(edits, IDENTICAL, first_turn=1000 * number)
        row, taken = mode(applier, traffic, size, seconds)
        rows.append(row)
        samples += taken
        told(row)
    return rows, distinct_results(samples)[0]


def run_engine(
    applier: Applier, load: Load, batches: Sequence[int], threads: Sequence[int], seconds: float
) -> dict[str, Any]:
    """The record of `bench_engine`, whose rows are reported as they come."""
    rows, most = bench_engine(applier, load.edits, batches, threads, seconds, tell)
    settings: dict[str, Any] = {"load": load.source, "edits": len(load.edits), "seconds": seconds}
    settings["alignment"] = "C" if trusted_table() else "numpy"
    assert applier.model is not None
    subject = f"in process, {applier.model.device}, fingerprint {applier.fingerprint()[:16]}"
    return record("engine", subject, settings, rows, distinct_results_per_request=most)
