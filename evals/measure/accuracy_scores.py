"""The scores of an accuracy run, from its samples."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Any

from applier.types import Status
from evals.measure.rates import rate
from evals.measure.score import Outcome
from evals.measure.summary import Bucket
from evals.metrics import avg_std_output_length, coverage_risk, std_acc, tar_a, tar_r
from evals.runs.work import Sample

ANSWERED = (Outcome.EXACT, Outcome.WRONG)
RIGHT = (Outcome.EXACT, Outcome.REFUSED_RIGHTLY)


def bucket(fingerprint: str, samples: Sequence[Sample]) -> Bucket:
    """Every score of the samples that came under one fingerprint."""
    scored = _scored(samples)
    applicable = [s for s in scored if not s["must_refuse"]]
    answered = [s for s in applicable if s["outcome"] in ANSWERED]
    merges = [s["merge"] for s in applicable if s["merge"]["outcome"] in ANSWERED]
    curve = coverage_risk([(m["confidence"], m["outcome"] == Outcome.EXACT) for m in merges], len(applicable))
    scores = {
        **group_scores(samples),
        "semantic_undecided": sum(s["semantic"] is None for s in applicable),
        "coverage": rate(s["outcome"] in ANSWERED for s in applicable).model_dump(),
        "risk": rate(s["outcome"] == Outcome.WRONG for s in answered).model_dump(),
        "refusal_reasons": dict(
            Counter(s["reason"] for s in applicable if s["outcome"] == Outcome.REFUSED).most_common()
        ),
        "leaked_placeholders": rate(s["leaked"] > 0 for s in answered).model_dump(),
        "changed_elsewhere": rate(s["elsewhere"] > 0 for s in answered).model_dump(),
        "outcomes": {outcome.value: sum(s["outcome"] == outcome for s in samples) for outcome in Outcome},
        "coverage_risk": [[p.threshold, p.coverage, p.risk] for p in curve],
        "by_language": _grouped(samples, lambda s: [s["language"]]),
        "by_category": _grouped(samples, lambda s: [s["category"]]),
        "by_format": _grouped(samples, lambda s: [s["format"]]),
        "by_habit": _grouped(samples, lambda s: s["tags"]),
        "by_tier": {
            tier: _exact([s for s in applicable if s["tier"] == tier])
            for tier in sorted({s["tier"] for s in applicable})
        },
        "results_sha256": _results_digest(scored),
        "agreement": _agreement(scored) if scored else {},
        **_times(scored),
    }
    return Bucket(
        fingerprint=fingerprint,
        n=len(samples),
        unscored=len(samples) - len(scored),
        repeats=len({s["repeat"] for s in samples}),
        scores=scores,
    )


def group_scores(samples: Sequence[Sample]) -> dict[str, Any]:
    """Rates over the cases that must be applied, each beside the baseline's, and over those that must not."""
    baseline = [s | s["baseline"] for s in samples if s.get("baseline")]
    return {
        "byte_exact": _exact(samples),
        "merged_byte_exact": _exact([s | s["merge"] for s in samples]),
        "baseline_byte_exact": _exact(baseline),
        "semantic": rate(
            s["semantic"] for s in _applicable(samples) if s["semantic"] is not None
        ).model_dump(),
        "tests_pass": _tests_pass(samples),
        "baseline_tests_pass": _tests_pass(baseline),
        "applied_right": _answered_right(s for s in samples if s.get("status") == Status.APPLIED),
        "answered_right": _answered_right(samples),
        "baseline_answered_right": _answered_right(baseline),
        "refused": _refused(samples),
        "baseline_refused": _refused(baseline),
        "handled_rightly": _handled(samples),
        "baseline_handled_rightly": _handled(baseline),
    }


def _scored(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample["outcome"] != Outcome.UNSCORED]


def _applicable(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in _scored(samples) if not sample["must_refuse"]]


def _exact(samples: Sequence[Sample]) -> dict[str, Any]:
    return rate(s["outcome"] == Outcome.EXACT for s in _applicable(samples)).model_dump()


def _tests_pass(samples: Sequence[Sample]) -> dict[str, Any]:
    return rate(s["tests_pass"] for s in _applicable(samples) if s["tests_pass"] is not None).model_dump()


def _answered_right(samples: Iterable[Sample]) -> dict[str, Any]:
    return rate(
        s["outcome"] == Outcome.EXACT for s in _applicable(samples) if s["outcome"] in ANSWERED
    ).model_dump()


def _refused(samples: Sequence[Sample]) -> dict[str, Any]:
    return rate(s["outcome"] == Outcome.REFUSED for s in _applicable(samples)).model_dump()


def _handled(samples: Sequence[Sample]) -> dict[str, Any]:
    return rate(s["outcome"] in RIGHT for s in _scored(samples) if s["must_refuse"]).model_dump()


def _grouped(samples: Sequence[Sample], names: Any) -> dict[str, Any]:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        for name in names(sample):
            groups[name].append(sample)
    return {group: group_scores(members) for group, members in sorted(groups.items())}


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


def _results_digest(samples: Sequence[Sample]) -> str:
    """One hash of what came of every case: equal under one fingerprint on any machine."""
    lines = sorted(
        f"{s['case']} {s['repeat']} {s['status']} {s['reason']} {s['result_sha256']}" for s in samples
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _times(samples: Sequence[Sample]) -> dict[str, float | None]:
    """Wall and processor milliseconds of an edit; the latter add up over threads."""
    wall, cpu = (sorted(s[name] for s in samples) for name in ("ms", "cpu_ms"))
    if not wall:
        return {"ms_median": None, "ms_p95": None, "cpu_ms_median": None, "cpu_ms_mean": None}
    return {
        "ms_median": median(wall),
        "ms_p95": wall[int(0.95 * (len(wall) - 1))],
        "cpu_ms_median": median(cpu),
        "cpu_ms_mean": fmean(cpu),
    }
