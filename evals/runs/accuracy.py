"""Accuracy: byte-exact results beside the no-model baseline, semantic equivalence, coverage and risk."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from applier.types import EditResult
from evals.cases import Case
from evals.metrics import avg_std_output_length, coverage_risk, semantically_equal, std_acc, tar_a, tar_r
from evals.runs.config import AccuracyConfig
from evals.runs.progress import track
from evals.runs.provenance import UNKNOWN, Provenance
from evals.runs.rates import rate
from evals.runs.score import Outcome, score
from evals.runs.store import SampleStore
from evals.runs.subjects import Subject, open_applier, open_baseline
from evals.runs.summary import Bucket, Summary, make_summary
from evals.runs.work import Sample, run_jobs

_subject: Subject
_baseline: Subject | None
_cases: dict[str, Case]


def _setup(config: AccuracyConfig, cases: Sequence[Case]) -> None:
    """Load the applier once in this process."""
    global _subject, _baseline, _cases
    # Several processes share the cores; one has them all.
    share = max(1, (os.cpu_count() or 1) // config.workers) if config.workers > 1 else None
    _subject = open_applier(config.model, config.backend, config.threads or share)
    _baseline = open_baseline(config.model) if config.baseline else None
    _cases = {case.id: case for case in cases}


def _judged(case: Case, apply: Callable[[], EditResult]) -> Sample:
    try:
        result = apply()
    except Exception as error:  # a broken sample must not end the run; it is counted as unscored
        return {"outcome": Outcome.UNSCORED.value, "error": f"{type(error).__name__}: {error}"}
    outcome = score(case, result)
    equivalent = None
    if case.expected is not None and not case.refusals:
        applied = outcome in (Outcome.EXACT, Outcome.WRONG)
        equivalent = semantically_equal(result.content, case.expected, case.language) if applied else False
    return {
        "outcome": outcome.value,
        "semantic": equivalent,
        "status": result.status.value,
        "tier": result.tier.value,
        "confidence": result.confidence,
        "reason": result.refusal.reason.value if result.refusal else None,
        "message": result.refusal.message if result.refusal else None,
        "fingerprint": result.receipt.fingerprint or UNKNOWN,
        "result_sha256": hashlib.sha256(result.content).hexdigest(),
        "diff_sha256": hashlib.sha256(result.diff).hexdigest(),
        "ms": result.timing.total_ms,
        "prompt_tokens": result.tokens.prompt,
        "merged_tokens": result.tokens.merged,
        "passes": result.tokens.passes,
    }


def _work(job: tuple[str, int]) -> Sample:
    id, repeat = job
    case = _cases[id]
    sample: Sample = {
        "key": f"{id}#{repeat}",
        "case": id,
        "repeat": repeat,
        "category": case.category.value,
        "language": case.language,
        "must_refuse": bool(case.refusals),
    }
    sample |= _judged(case, lambda: _subject.apply(case.request()))
    if _baseline is not None and repeat == 0:
        baseline = _baseline
        judged = _judged(case, lambda: baseline.apply(case.request()))
        sample["baseline"] = {name: judged.get(name) for name in ("outcome", "semantic", "error")}
    return sample


def _scored(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample["outcome"] != Outcome.UNSCORED]


def _exact(samples: Sequence[Sample]) -> Any:
    return rate(s["outcome"] == Outcome.EXACT for s in _scored(samples) if not s["must_refuse"]).model_dump()


def _grouped(samples: Sequence[Sample], name: str) -> dict[str, Any]:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample[name]].append(sample)
    return {group: _group_scores(members) for group, members in sorted(groups.items())}


def _group_scores(samples: Sequence[Sample]) -> dict[str, Any]:
    right = (Outcome.EXACT, Outcome.REFUSED_RIGHTLY)
    return {
        "byte_exact": _exact(samples),
        "handled_rightly": rate(
            s["outcome"] in right for s in _scored(samples) if s["must_refuse"]
        ).model_dump(),
        "baseline_byte_exact": _exact([s | s["baseline"] for s in samples if s.get("baseline")]),
    }


def _agreement(samples: Sequence[Sample]) -> dict[str, Any]:
    """TARr@N over diffs, TARa@N over outcomes, and the spreads; only where every case has all its repeats."""
    by_case: dict[str, dict[int, Sample]] = defaultdict(dict)
    for sample in samples:
        by_case[sample["case"]][sample["repeat"]] = sample
    repeats = max(len(runs) for runs in by_case.values())
    complete = [runs for runs in by_case.values() if len(runs) == repeats]
    if repeats < 2:
        return {"N": repeats}
    ordered = [[runs[repeat] for repeat in sorted(runs)] for runs in complete]
    accuracies = []
    for repeat in range(repeats):
        flags = [
            runs[repeat]["outcome"] == Outcome.EXACT for runs in ordered if not runs[repeat]["must_refuse"]
        ]
        if flags:
            accuracies.append(sum(flags) / len(flags))
    return {
        "N": repeats,
        "TARr": tar_r([[run["diff_sha256"] for run in runs] for runs in ordered]),
        "TARa": tar_a([[run["outcome"] for run in runs] for runs in ordered]),
        "Std@Acc": std_acc(accuracies) if len(accuracies) > 1 else None,
        "Avg_Std@Output_Length": avg_std_output_length(
            [[run["merged_tokens"] for run in runs] for runs in ordered]
        ),
    }


def _bucket(fingerprint: str, samples: Sequence[Sample]) -> Bucket:
    scored = _scored(samples)
    applicable = [s for s in scored if not s["must_refuse"]]
    answered = [s for s in applicable if s["outcome"] in (Outcome.EXACT, Outcome.WRONG)]
    curve = coverage_risk(
        [(s["confidence"], s["outcome"] == Outcome.EXACT) for s in answered], len(applicable)
    )
    times = sorted(s["ms"] for s in scored)
    outcomes = {outcome.value: sum(s["outcome"] == outcome for s in samples) for outcome in Outcome}
    scores = {
        **_group_scores(samples),
        "semantic": rate(s["semantic"] for s in applicable if s["semantic"] is not None).model_dump(),
        "semantic_undecided": sum(s["semantic"] is None for s in applicable),
        "coverage": rate(s["outcome"] in (Outcome.EXACT, Outcome.WRONG) for s in applicable).model_dump(),
        "risk": rate(s["outcome"] == Outcome.WRONG for s in answered).model_dump(),
        "outcomes": outcomes,
        "coverage_risk": [[p.threshold, p.coverage, p.risk] for p in curve],
        "by_language": _grouped(samples, "language"),
        "by_category": _grouped(samples, "category"),
        "by_tier": {
            tier: _exact([s for s in applicable if s["tier"] == tier])
            for tier in sorted({s["tier"] for s in applicable})
        },
        "agreement": _agreement(scored) if scored else {},
        "ms_median": median(times) if times else None,
        "ms_p95": times[int(0.95 * (len(times) - 1))] if times else None,
    }
    return Bucket(
        fingerprint=fingerprint,
        n=len(samples),
        unscored=len(samples) - len(scored),
        repeats=len({s["repeat"] for s in samples}),
        scores=scores,
    )


def summarise(
    samples: Sequence[Sample], config: AccuracyConfig, provenance: Provenance, cases_sha256: str
) -> Summary:
    """One bucket per fingerprint. A sample that failed has none of its own; it goes to the run's."""
    buckets: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        buckets[sample.get("fingerprint", provenance.fingerprint)].append(sample)
    made = [_bucket(fingerprint, group) for fingerprint, group in sorted(buckets.items())]
    return make_summary("accuracy", provenance, config.cases, cases_sha256, config, made)


def run_accuracy(config: AccuracyConfig, cases: Sequence[Case], provenance: Provenance) -> Summary:
    """Take the samples that are missing, then sum up. Raises RunMismatch for a folder of another run."""
    identity = {"cases_sha256": digest_of(cases), "fingerprint": provenance.fingerprint}
    store = SampleStore(config.out, config, identity)
    keys = {f"{case.id}#{repeat}": (case.id, repeat) for repeat in range(config.repeats) for case in cases}
    jobs = [keys[key] for key in store.missing(list(keys))]
    done = run_jobs(jobs, _setup, (config, tuple(cases)), _work, config.workers)
    try:
        for sample in track(done, len(jobs), "accuracy"):
            store.add(sample)
    finally:
        store.close()
    summary = summarise([store.samples[key] for key in keys], config, provenance, identity["cases_sha256"])
    summary.write(config.out)
    return summary


def digest_of(cases: Sequence[Case]) -> str:
    """SHA-256 over every case, in the order of their ids."""
    digest = hashlib.sha256()
    for case in sorted(cases, key=lambda case: case.id):
        for part in (
            case.id.encode(),
            case.original,
            case.edit,
            case.expected or b"",
            case.instruction.encode(),
        ):
            digest.update(hashlib.sha256(part).digest())
        digest.update(",".join(sorted(case.refusals)).encode())
    return digest.hexdigest()
