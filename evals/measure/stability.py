"""Edit stability at length: the same edits again and again, alone and in mixed batches, in fresh processes.

Each process has another number of threads. A round applies every edit once, so that a run cut short has seen
every edit equally often; rounds are the samples, and a run is resumed at the round where it stopped.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from applier.pipeline import Applier
from evals.cases import Case
from evals.measure.accuracy import digest_of
from evals.measure.rates import none_of
from evals.measure.summary import Bucket, Summary, make_summary
from evals.metrics import distinct_outputs, edit_stability
from evals.runs.config import StabilityConfig
from evals.runs.progress import track
from evals.runs.provenance import UNKNOWN, Provenance
from evals.runs.store import SampleStore
from evals.runs.subjects import open_applier
from evals.runs.work import Sample, run_jobs

ALONE, MIXED = "alone", "mixed batches"

_applier: Applier
_cases: list[Case]
_batch: int
_threads: int


def choose(applier: Applier, cases: Sequence[Case], config: StabilityConfig) -> list[Case]:
    """The first `edits` cases, in a seeded order, that the model takes part in within `max_tokens` of prompt.

    Edits that need no model would prove nothing about arithmetic. Raises ValueError where there are too few.
    """
    order = sorted(cases, key=lambda case: hashlib.sha256(f"{config.seed}:{case.id}".encode()).hexdigest())
    chosen: list[Case] = []
    for case in order:
        if case.refusals or case.expected is None:
            continue
        if 0 < applier.apply(case.request()).tokens.prompt <= config.max_tokens:
            chosen.append(case)
        if len(chosen) == config.edits:
            return sorted(chosen, key=lambda case: case.id)
    raise ValueError(
        f"only {len(chosen)} of {len(cases)} cases need the model for at most {config.max_tokens} tokens; "
        f"ask for fewer edits or raise the limit"
    )


def _setup(config: StabilityConfig, cases: Sequence[Case], threads: int) -> None:
    global _applier, _cases, _batch, _threads
    import torch

    torch.set_num_threads(threads)
    _applier = open_applier(config.model, config.backend, threads)
    _cases, _batch, _threads = list(cases), config.batch, threads


def _batches(mode: str, round: int) -> list[list[Case]]:
    """Each case alone, or batches whose members, order and sizes differ from round to round."""
    if mode == ALONE:
        return [[case] for case in _cases]
    generator = random.Random(round)
    shuffled = generator.sample(_cases, len(_cases))
    batches: list[list[Case]] = []
    while shuffled:
        size = generator.randint(2, max(2, _batch))
        batches.append(shuffled[:size])
        shuffled = shuffled[size:]
    return batches


def _work(job: tuple[str, int]) -> Sample:
    mode, round = job
    results: dict[str, Any] = {}
    fingerprints: set[str] = set()
    for batch in _batches(mode, round):
        for case, traced in zip(
            batch, _applier.trace_many([case.request() for case in batch], hash_logits=True), strict=True
        ):
            result = traced.result
            fingerprints.add(result.receipt.fingerprint or UNKNOWN)
            results[case.id] = {
                "diff": hashlib.sha256(result.diff).hexdigest(),
                "result": hashlib.sha256(result.content).hexdigest(),
                "logits": [merge.logits_sha256 for merge in traced.merges],
            }
    return {
        "key": f"threads {_threads}/{mode}/{round}",
        "threads": _threads,
        "mode": mode,
        "round": round,
        "fingerprint": ", ".join(sorted(fingerprints)),
        "results": results,
    }


def _bucket(fingerprint: str, rounds: Sequence[Sample]) -> Bucket:
    by_edit: dict[str, list[Any]] = defaultdict(list)
    for sample in rounds:
        for id, result in sample["results"].items():
            by_edit[id].append(result)
    edits = {
        id: {
            "n": len(results),
            "distinct_results": distinct_outputs(r["result"] for r in results),
            "distinct_diffs": distinct_outputs(r["diff"] for r in results),
            "distinct_logits": distinct_outputs(tuple(r["logits"]) for r in results),
        }
        for id, results in sorted(by_edit.items())
    }
    stability = edit_stability([[r["diff"].encode() for r in results] for results in by_edit.values()])
    conditions: dict[str, int] = defaultdict(int)
    for sample in rounds:
        conditions[f"threads {sample['threads']}, {sample['mode']}"] += 1
    total = sum(edit["n"] for edit in edits.values())
    unstable = sum(edit["distinct_results"] > 1 or edit["distinct_logits"] > 1 for edit in edits.values())
    lines = {
        "Edits": len(edits),
        "Results": total,
        "Rounds by condition": "; ".join(f"{name}: {n}" for name, n in sorted(conditions.items())),
        "Edit stability": f"{stability.raw:.2%} of edits with one distinct diff",
        "Most distinct results of an edit": max(edit["distinct_results"] for edit in edits.values()),
        "Most distinct logits of an edit": max(edit["distinct_logits"] for edit in edits.values()),
        "Unstable": f"{unstable} edits" if unstable else f"none: {none_of(total)} of a differing result",
    }
    scores = {"edit_stability": stability.raw, "unstable_edits": unstable, "edits": edits, "lines": lines}
    return Bucket(fingerprint=fingerprint, n=total, unscored=0, repeats=len(rounds), scores=scores)


def run_stability(
    config: StabilityConfig, cases: Sequence[Case], provenance: Provenance, threads: Sequence[int] = (1, 2)
) -> Summary:
    """Rounds still missing, a fresh process for each number of threads, then the summary over all rounds."""
    identity = {"cases_sha256": digest_of(cases), "fingerprint": provenance.fingerprint}
    store = SampleStore(config.out, config, identity)
    jobs = [(mode, round) for round in range(config.repeats) for mode in (ALONE, MIXED)]
    try:
        for count in threads:
            missing = [job for job in jobs if f"threads {count}/{job[0]}/{job[1]}" not in store.samples]
            done = run_jobs(
                missing, _setup, (config, tuple(cases), count), _work, workers=1, own_process=True
            )
            for sample in track(done, len(missing), f"stability, {count} threads"):
                store.add(sample)
    finally:
        store.close()
    buckets: dict[str, list[Sample]] = defaultdict(list)
    for sample in store.samples.values():
        buckets[sample["fingerprint"]].append(sample)
    made = [_bucket(fingerprint, group) for fingerprint, group in sorted(buckets.items())]
    summary = make_summary("stability", provenance, config.cases, identity["cases_sha256"], config, made)
    summary.write(config.out)
    return summary
