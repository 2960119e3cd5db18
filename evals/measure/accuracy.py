"""Accuracy: byte-exact results beside the no-model baseline, semantic equivalence, coverage and risk."""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from applier.types import EditResult, RefusalReason
from evals.cases import Case
from evals.measure.accuracy_scores import ANSWERED, bucket
from evals.measure.passing import passes_its_tests
from evals.measure.score import Outcome, score
from evals.measure.summary import Summary, make_summary
from evals.metrics import changed_elsewhere, leaked_placeholders, semantically_equal
from evals.runs.config import AccuracyConfig
from evals.runs.progress import track
from evals.runs.provenance import UNKNOWN, Provenance
from evals.runs.store import SampleStore
from evals.runs.subjects import Subject, open_applier, open_baseline
from evals.runs.work import Sample, run_jobs

SAMPLE_VERSION = 4  # of the fields of a sample: a run is resumed with the fields it was begun with
BASELINE_FIELDS = ("outcome", "semantic", "tests_pass", "leaked", "elsewhere", "error")
MERGE_FIELDS = ("outcome", "confidence", "error")

_subject: Subject
_baseline: Subject | None
_run_tests: bool
_cases: dict[str, Case]


def _setup(config: AccuracyConfig, cases: Sequence[Case]) -> None:
    """Load the applier once in this process."""
    global _subject, _baseline, _run_tests, _cases
    # Several processes share the cores; one has them all.
    share = max(1, (os.cpu_count() or 1) // config.workers) if config.workers > 1 else None
    _subject = open_applier(config.model, config.backend, config.threads or share)
    _baseline = open_baseline(config.model) if config.baseline else None
    _run_tests = config.run_tests
    _cases = {case.id: case for case in cases}


def _judged(case: Case, apply: Callable[[], EditResult]) -> Sample:
    began = time.process_time()
    try:
        result = apply()
    except Exception as error:  # a broken sample must not end the run; it is counted as unscored
        return {"outcome": Outcome.UNSCORED.value, "error": f"{type(error).__name__}: {error}"}
    cpu_ms = 1000 * (time.process_time() - began)
    outcome = score(case, result)
    equivalent, passed, leaked, elsewhere = None, None, 0, 0
    if case.expected is not None and outcome in ANSWERED:
        leaked = leaked_placeholders(
            case.original, case.expected, result.content, case.language, case.placeholders
        )
        elsewhere = changed_elsewhere(case.original, case.expected, result.content)
    if case.expected is not None and not case.refusals:
        applied = outcome in ANSWERED
        equivalent = semantically_equal(result.content, case.expected, case.language) if applied else False
        if _run_tests and case.tests is not None:
            passed = applied and bool(passes_its_tests(case, result.content))
            equivalent = equivalent or passed
    return {
        "outcome": outcome.value,
        "semantic": equivalent,
        "tests_pass": passed,
        "leaked": leaked,
        "elsewhere": elsewhere,
        "status": result.status.value,
        "tier": result.tier.value,
        "confidence": result.confidence,
        "reason": result.refusal.reason.value if result.refusal else None,
        "message": result.refusal.message if result.refusal else None,
        "fingerprint": result.receipt.fingerprint or UNKNOWN,
        "result_sha256": hashlib.sha256(result.content).hexdigest(),
        "diff_sha256": hashlib.sha256(result.diff).hexdigest(),
        "ms": result.timing.total_ms,
        "cpu_ms": cpu_ms,
        "prompt_tokens": result.tokens.prompt,
        "merged_tokens": result.tokens.merged,
        "passes": result.tokens.passes,
    }


def _whatever_its_confidence(case: Case, sample: Sample) -> Sample:
    """What came of the merge itself: where it was refused for its low confidence, it is asked for once more
    and accepted.
    """
    if sample.get("reason") != RefusalReason.LOW_CONFIDENCE:
        return {name: sample.get(name) for name in MERGE_FIELDS}
    request = case.request()
    accepted = replace(request, options=replace(request.options, min_confidence=0.0))
    judged = _judged(case, lambda: _subject.apply(accepted))
    return {name: judged.get(name) for name in MERGE_FIELDS}


def _work(job: tuple[str, int]) -> Sample:
    id, repeat = job
    case = _cases[id]
    sample: Sample = {
        "key": f"{id}#{repeat}",
        "case": id,
        "repeat": repeat,
        "category": case.category.value,
        "language": case.language,
        "format": case.format.value,
        "tags": list(case.tags),
        "must_refuse": bool(case.refusals),
    }
    sample |= _judged(case, lambda: _subject.apply(case.request()))
    sample["merge"] = _whatever_its_confidence(case, sample)
    if _baseline is not None and repeat == 0:
        baseline = _baseline
        judged = _judged(case, lambda: baseline.apply(case.request()))
        sample["baseline"] = {name: judged.get(name) for name in BASELINE_FIELDS}
    return sample


def summarise(
    samples: Sequence[Sample], config: AccuracyConfig, provenance: Provenance, cases_sha256: str
) -> Summary:
    """One bucket per fingerprint. A sample that failed has none of its own; it goes to the run's."""
    buckets: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        buckets[sample.get("fingerprint", provenance.fingerprint)].append(sample)
    made = [bucket(fingerprint, group) for fingerprint, group in sorted(buckets.items())]
    return make_summary("accuracy", provenance, config.cases, cases_sha256, config, made)


def run_accuracy(config: AccuracyConfig, cases: Sequence[Case], provenance: Provenance) -> Summary:
    """Take the samples that are missing, then sum up. Raises RunMismatch for a folder of another run."""
    cases_sha256 = digest_of(cases)
    identity = {
        "cases_sha256": cases_sha256,
        "fingerprint": provenance.fingerprint,
        "sample_version": SAMPLE_VERSION,
    }
    store = SampleStore(config.out, config, identity)
    keys = {f"{case.id}#{repeat}": (case.id, repeat) for repeat in range(config.repeats) for case in cases}
    jobs = [keys[key] for key in store.missing(list(keys))]
    done = run_jobs(jobs, _setup, (config, tuple(cases)), _work, config.workers)
    try:
        for sample in track(done, len(jobs), "accuracy"):
            store.add(sample)
    finally:
        store.close()
    summary = summarise([store.samples[key] for key in keys], config, provenance, cases_sha256)
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
