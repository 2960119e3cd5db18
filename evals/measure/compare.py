"""Compare two accuracy runs, within one fingerprint unless forced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

from evals.measure.rates import Rate
from evals.measure.summary import Summary, load_summary


class NotComparable(Exception):
    """The two runs do not measure the same thing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`label` is empty within one fingerprint; `won` and `lost` are cases, `changed` those whose bytes
    differ.

    Under one fingerprint `changed` breaks the contract that equal requests give equal bytes.
    """

    label: str
    left: Rate
    right: Rate
    cases: int
    changed: tuple[str, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    p_value: float


def sign_test(won: int, lost: int) -> float:
    """Two-sided exact McNemar test: the chance of a split at least this uneven if neither run were better."""
    n = won + lost
    if n == 0:
        return 1.0
    tail = sum(comb(n, k) for k in range(min(won, lost) + 1)) / 2**n
    return min(1.0, 2 * tail)


def _fingerprints(summary: Summary) -> set[str]:
    return {bucket.fingerprint for bucket in summary.buckets}


def _label(left: Summary, right: Summary, force: bool) -> str:
    a, b = _fingerprints(left), _fingerprints(right)
    if a == b and len(a) == 1:
        return ""
    described = f"fingerprints {', '.join(sorted(a))} and {', '.join(sorted(b))}"
    if not force:
        raise NotComparable(
            f"the runs are under {described}; scores are compared within one fingerprint only (--force)"
        )
    return f"ACROSS FINGERPRINTS, so a difference may come from anything that changed: {described}"


def _first_repeats(folder: Path) -> dict[str, dict[str, Any]]:
    samples = [
        json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return {sample["case"]: sample for sample in samples if sample["repeat"] == 0}


def compare(left: Path, right: Path, force: bool = False) -> Comparison:
    """Compare the first repeats of two accuracy runs' folders.

    Raises NotComparable for other kinds, other cases, or (without `force`) other fingerprints, and ValueError
    for a folder without a finished run.
    """
    a, b = load_summary(left), load_summary(right)
    if a.kind != "accuracy" or b.kind != "accuracy":
        raise NotComparable(f"accuracy runs are compared; these are {a.kind} and {b.kind}")
    if a.cases_sha256 != b.cases_sha256:
        raise NotComparable("the runs are over different cases")
    label = _label(a, b, force)
    ours, theirs = _first_repeats(left), _first_repeats(right)
    common = sorted(case for case in ours if case in theirs)
    won = [case for case in common if ours[case]["outcome"] != "exact" and theirs[case]["outcome"] == "exact"]
    lost = [
        case for case in common if ours[case]["outcome"] == "exact" and theirs[case]["outcome"] != "exact"
    ]
    changed = [
        case
        for case in common
        if None not in (ours[case].get("result_sha256"), theirs[case].get("result_sha256"))
        and ours[case]["result_sha256"] != theirs[case]["result_sha256"]
    ]
    return Comparison(
        label=label,
        left=_overall(a),
        right=_overall(b),
        cases=len(common),
        changed=tuple(changed),
        won=tuple(won),
        lost=tuple(lost),
        p_value=sign_test(len(won), len(lost)),
    )


def _overall(summary: Summary) -> Rate:
    """The score of the run's only bucket; across several, of its largest."""
    bucket = max(summary.buckets, key=lambda bucket: bucket.n)
    return Rate.model_validate(bucket.scores["byte_exact"])
