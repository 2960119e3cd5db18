"""One request a thousand times amid thousands of others, with everything varied that must not matter.

Requests come from many threads in random order and at random times. Each merge is cut into passes by chunk
and draft lengths of its own, running merges lose their caches at random, and the prefix cache is emptied now
and then. Equal requests must have one answer and one hash of the logits of every step, and a CPU must give
the same for some of them.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from applier.engine.engine import Engine
from applier.engine.options import StepReport
from applier.merge.model_info import ModelInfo
from applier.merge.result import DecodeOptions
from applier.pipeline import Applier
from applier.request import Traced
from evals.bench.harness.load import LoadEdit
from evals.bench.harness.record import Row

if TYPE_CHECKING:
    from applier.engine.scheduler import Scheduler
    from applier.merge.order import Orders
    from applier.merge.task import MergeTask

CHUNKS = (*(None,) * 5, 61, 256, 1000)  # tokens of a merge in one pass
DRAFTS = (*(None,) * 5, 60, 200)  # ids
PREEMPT = 0.05  # of the steps in which merges run on
EMPTY = 0.02  # of the steps: the prefix cache


class VariedEngine(Engine):
    """Cuts every merge into passes in its own way."""

    rng = random.Random(0)

    @staticmethod
    def of(engine: Engine, seed: int) -> VariedEngine:
        """The same model."""
        varied = VariedEngine(engine.model, engine.codec, engine.options, engine.head_start)
        varied.rng = random.Random(seed)
        return varied

    def task(self, plan: Orders, hash_logits: bool = False) -> MergeTask:
        """The merge, with options of its own."""
        one = copy.copy(self)
        one.options = DecodeOptions(self.rng.choice(CHUNKS), self.rng.choice(DRAFTS))
        return Engine.task(one, plan, hash_logits)


class Disturbance:
    """Takes caches away, in the scheduler's thread."""

    def __init__(self, seed: int) -> None:
        self.scheduler: Scheduler | None = None
        self.steps = self.preempted = self.emptied = self.hit_tokens = 0
        self._rng = random.Random(seed)

    def __call__(self, report: StepReport) -> None:
        self.steps += 1
        self.hit_tokens += report.prefix_hit_tokens
        if self.scheduler is None:
            return
        loop = self.scheduler.loop
        if loop.running and self._rng.random() < PREEMPT:
            loop.preempt(self._rng.choice(loop.running))
            self.preempted += 1
        if self._rng.random() < EMPTY:
            loop.memory.prefixes.clear()
            self.emptied += 1


def digests(traced: Traced) -> tuple[str, ...]:
    """Status, hash of the result, confidence, and the hash of the logits of every decision of each merge."""
    result = traced.result
    logits = (merge.logits_sha256 or "" for merge in traced.merges)
    return (result.status.value, result.receipt.result_sha256, repr(result.confidence), *logits)


def requests_of(
    edits: Sequence[LoadEdit], identical: int, others: int, seed: int
) -> list[tuple[str, LoadEdit, int]]:
    """(key, edit, turn) in random order: the first edit `identical` times, `others` all different."""
    asked = [(edits[0].case.id, edits[0], 0)] * identical
    for number in range(others):
        turn, place = divmod(number, len(edits))
        asked.append((f"{edits[place].case.id}#{turn + 1}", edits[place], turn + 1))
    random.Random(seed).shuffle(asked)
    return asked


def bench_identical(
    info: ModelInfo,
    engine: Engine,
    cpu: Callable[[], Applier],
    edits: Sequence[LoadEdit],
    identical: int = 1000,
    others: int = 4000,
    threads: int = 64,
    on_cpu: int = 8,
    seed: int = 0,
    processes: int = 0,
) -> dict[str, Any]:
    """One row. `on_cpu` answers are compared with those of `cpu()`: of the identical request, and others."""
    disturbance = Disturbance(seed)
    applier = Applier.from_engine(info, VariedEngine.of(engine, seed))
    disturbance.scheduler = applier.start_scheduler(on_step=disturbance)
    assert disturbance.scheduler is not None
    pool = applier.start_processes(processes) if processes else None
    asked = requests_of(edits, identical, others, seed)
    rng = random.Random(seed)
    pauses = [rng.expovariate(1 / 0.02) for _ in asked]
    answers: dict[str, dict[tuple[str, ...], int]] = {}

    def ask(number: int) -> tuple[str, tuple[str, ...]]:
        key, edit, turn = asked[number]
        time.sleep(pauses[number])
        return key, digests(applier.trace_many([edit.request(turn)], hash_logits=True)[0])

    begin = time.perf_counter()
    try:
        with ThreadPoolExecutor(threads) as callers:
            for key, found in callers.map(ask, range(len(asked))):
                seen = answers.setdefault(key, {})
                seen[found] = seen.get(found, 0) + 1
    finally:
        disturbance.scheduler.close()
        if pool is not None:
            pool.close()
    seconds = time.perf_counter() - begin
    compared = dict.fromkeys(key for key, _, _ in [(edits[0].case.id, 0, 0), *asked])
    by_key = {key: (edit, turn) for key, edit, turn in asked}
    differ = 0
    checked = list(compared)[:on_cpu]
    if checked:
        alone = cpu()
        for key in checked:
            edit, turn = by_key[key]
            expected = digests(alone.trace_many([edit.request(turn)], hash_logits=True)[0])
            differ += set(answers[key]) != {expected}
    same = answers[edits[0].case.id]
    return {
        "identical": identical,
        "others": others,
        "distinct_results_of_identical": len({found[:3] for found in same}),
        "distinct_logits_of_identical": len({found[3:] for found in same}),
        "logits_sha256": [found[3:] for found in same],
        "compared_with_cpu": len(checked),
        "differ_from_cpu": differ,
        "seconds": round(seconds, 2),
        "requests_per_second": round(len(asked) / seconds, 1),
        "steps": disturbance.steps,
        "preempted": disturbance.preempted,
        "prefix_cache_emptied": disturbance.emptied,
        "prefix_hit_tokens": disturbance.hit_tokens,
    }


def run_identical(
    model: Any,
    backend: Any,
    edits: Sequence[LoadEdit],
    source: str,
    identical: int,
    others: int,
    threads: int,
    on_cpu: int,
    seed: int,
    processes: int,
) -> dict[str, Any]:
    """The record. Raises ModelNotFoundError."""
    from applier.models.home import model_or_default
    from evals.bench.harness.record import record, tell

    folder = model_or_default(model)
    applier = Applier.from_model_dir(folder, backend)
    assert applier.info is not None
    assert applier.engine is not None
    row: Row = bench_identical(
        applier.info,
        applier.engine,
        lambda: Applier.from_model_dir(folder, "cpu"),
        edits,
        identical,
        others,
        threads,
        on_cpu,
        seed,
        processes,
    )
    tell(row)
    subject = f"in process, {applier.engine.model.device}, fingerprint {applier.fingerprint()[:16]}"
    settings = {"load": source, "edits": len(edits), "threads": threads, "seed": seed}
    return record("identical", subject, settings, [row])
