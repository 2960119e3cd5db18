"""The verdict of an audit in the three kinds of variance: sampler, batch and backend.

- Sampler variance: with a seed, the same request gives different outputs beyond what greedy decoding shows.
- Batch variance: company, neighbours or a warm cache change an output that is steady alone.
- Backend variance: the request differs from itself alone, the fingerprint changes, or replies are misrouted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from evals.audit import conditions
from evals.audit.evidence import Condition, Evidence
from evals.metrics import rule_of_three
from evals.runs.provenance import UNKNOWN

SIGNIFICANCE = 0.001  # strict, since about ten conditions are tested in one audit


class Finding(StrEnum):
    """`SUSPECTED`: seen too seldom to be told from noise. `NOT_FOUND` is always within a bound."""

    FOUND = "found"
    SUSPECTED = "suspected"
    NOT_FOUND = "not found"
    NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One kind of variance: the finding and the sentences it rests on."""

    finding: Finding
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The three kinds, and `noise_floor`: the share of replies that differed though the target was idle."""

    sampler: Verdict
    batch: Verdict
    backend: Verdict
    noise_floor: float
    idle_requests: int


def fisher_greater(hits: int, n: int, base_hits: int, base_n: int) -> float:
    """One-sided Fisher exact test: chance of at least `hits` of n if both rates were the same."""
    total, total_hits = n + base_n, hits + base_hits
    ways = math.comb(total, total_hits)
    upper = min(n, total_hits)
    return sum(math.comb(n, k) * math.comb(base_n, total_hits - k) for k in range(hits, upper + 1)) / ways


def _idle(evidence: Evidence) -> tuple[int, int]:
    quiet = [evidence.conditions.get(name) for name in (conditions.ALONE, conditions.ALONE_AGAIN)]
    return sum(c.mismatches for c in quiet if c), sum(c.compared for c in quiet if c)


def _bound(n: int) -> str:
    return f"0 of {n}: a rate above {rule_of_three(n):.2%} is excluded with 95 % confidence"


def _raised(condition: Condition, idle: tuple[int, int]) -> Finding:
    if condition.mismatches == 0:
        return Finding.NOT_FOUND
    chance = fisher_greater(condition.mismatches, condition.compared, *idle)
    if chance < SIGNIFICANCE:
        return Finding.FOUND
    # With noise already there alone, a rate like the noise floor's is no evidence of anything more.
    return Finding.NOT_FOUND if idle[0] else Finding.SUSPECTED


def _backend(evidence: Evidence, idle: tuple[int, int]) -> Verdict:
    reasons: list[str] = []
    if idle[0]:
        reasons.append(f"alone, {idle[0]} of {idle[1]} identical greedy requests were answered differently")
    if len(evidence.fingerprints) > 1:
        reasons.append(
            f"{len(evidence.fingerprints)} fingerprints, {evidence.fingerprint_changes} changes: "
            + ", ".join(evidence.fingerprints)
        )
    misrouted = sum(condition.misrouted for condition in evidence.conditions.values())
    if misrouted:
        reasons.append(f"{misrouted} replies were the answer to another request")
    if reasons:
        return Verdict(Finding.FOUND, tuple(reasons))
    note = (
        ""
        if UNKNOWN not in evidence.fingerprints
        else "; no fingerprint is given, so a change would go unseen"
    )
    return Verdict(Finding.NOT_FOUND, (f"alone, {_bound(idle[1])}{note}",))


def _batch(evidence: Evidence, idle: tuple[int, int]) -> Verdict:
    loaded = [c for name, c in evidence.conditions.items() if conditions.under_load(name) and c.compared]
    if not loaded:
        return Verdict(Finding.NOT_TESTED, ("no condition put anything beside the request",))
    total = Condition("all conditions with company", max(c.concurrency for c in loaded))
    total.mismatches, total.compared = sum(c.mismatches for c in loaded), sum(c.compared for c in loaded)
    order = (Finding.FOUND, Finding.SUSPECTED, Finding.NOT_FOUND)
    finding = min((_raised(condition, idle) for condition in [*loaded, total]), key=order.index)
    seen = [
        f"{c.name}: {c.mismatches} of {c.compared} differ from the answer given alone"
        for c in loaded
        if c.mismatches
    ]
    finer = [
        f"{c.name}: {c.digest_mismatches} of {c.n} with other logits" for c in loaded if c.digest_mismatches
    ]
    if _digests_raised(evidence, loaded):
        # The tokens may hide it, but what is in the batch changes the numbers.
        finding = Finding.FOUND
    if not seen and finer:
        seen = ["no output differed, but the logits behind them did"]
    if not seen:
        return Verdict(finding, (_bound(total.compared),))
    seen += finer
    if finding is Finding.NOT_FOUND:
        seen.append(f"no more than alone ({idle[0]} of {idle[1]})")
    return Verdict(finding, tuple(seen))


def _digests_raised(evidence: Evidence, loaded: list[Condition]) -> bool:
    """Whether the finer digests differ under load significantly more often than alone."""
    quiet = [c for name, c in evidence.conditions.items() if name in conditions.QUIET and c.distinct_digests]
    with_digests = [c for c in loaded if c.distinct_digests]
    hits, base_hits = (sum(c.digest_mismatches for c in group) for group in (with_digests, quiet))
    n, base_n = (sum(c.n - c.errors for c in group) for group in (with_digests, quiet))
    return hits > 0 and base_n > 0 and fisher_greater(hits, n, base_hits, base_n) < SIGNIFICANCE


def _sampler(evidence: Evidence, idle: tuple[int, int]) -> Verdict:
    probe = evidence.conditions.get(conditions.SAMPLED)
    if probe is None or not probe.compared:
        return Verdict(Finding.NOT_TESTED, ("the target does not sample",))
    if probe.mismatches == 0:
        steady = f"one seed repeated: {_bound(probe.compared)}"
        if evidence.other_seed_outputs == 1:
            steady += "; other seeds give the same output too: perhaps nothing is sampled"
        return Verdict(Finding.NOT_FOUND, (steady,))
    finding = _raised(probe, idle)
    reason = f"one seed repeated gave {evidence.same_seed_outputs} outputs of {probe.compared}"
    if finding is Finding.NOT_FOUND:
        reason += f", no more often than alone and greedy ({idle[0]} of {idle[1]})"
    return Verdict(finding, (reason,))


def judge(evidence: Evidence) -> Verdicts:
    """The verdicts from the evidence. Raises ValueError where the target was never asked alone."""
    idle = _idle(evidence)
    if not idle[1]:
        raise ValueError("the audit needs answers given alone to compare with")
    return Verdicts(
        sampler=_sampler(evidence, idle),
        batch=_batch(evidence, idle),
        backend=_backend(evidence, idle),
        noise_floor=idle[0] / idle[1],
        idle_requests=idle[1],
    )
