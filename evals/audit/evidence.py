"""From samples to counts: what each condition showed, compared only under one fingerprint."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from evals.audit import conditions
from evals.metrics import distinct_outputs, divergence_positions
from evals.runs.provenance import UNKNOWN


@dataclass(slots=True)
class Condition:
    """What one condition showed. `mismatches` counts replies that differ from their group's reference.

    The reference of a group is its most common output while alone, under the same fingerprint;
    `digest_mismatches` counts the finer digests likewise. `misrouted` replies are another request's answer;
    they are not among the mismatches.
    """

    name: str
    concurrency: int
    n: int = 0
    compared: int = 0
    mismatches: int = 0
    misrouted: int = 0
    errors: int = 0
    distinct: int = 0
    distinct_digests: int = 0
    digest_mismatches: int = 0
    divergences: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Identical:
    """The audited request over all greedy conditions: asks answered, and what was distinct under one
    fingerprint (the most of any). `distinct_digests` is 0 where the target gives none.
    """

    n: int
    distinct: int
    distinct_digests: int


@dataclass(slots=True)
class Evidence:
    """What the verdict is drawn from. `from_memo` of `answered` replies were looked up, not computed."""

    conditions: dict[str, Condition]
    fingerprints: list[str]
    fingerprint_changes: int
    alone_outputs: dict[str, int]
    same_seed_outputs: int
    other_seed_outputs: int
    receipts: bool
    unit: str
    identical: Identical
    answered: int
    from_memo: int


Key = tuple[str, str]  # group, fingerprint


def _bucket(sample: dict[str, Any]) -> str:
    return sample["fingerprint"] or UNKNOWN


def _references(answered: list[dict[str, Any]], field: str = "sha256") -> dict[Key, str]:
    """The reference hash of each group under each fingerprint: of the output, or of the finer digest.

    Outside the audited request, whose own repeats are the measure of noise, a reference seen only once among
    several does not count: comparing with an outlier would make every other reply look wrong.
    """
    quiet: dict[Key, Counter[str]] = defaultdict(Counter)
    every: dict[Key, Counter[str]] = defaultdict(Counter)
    for sample in answered:
        if sample["group"] is not None and sample[field] is not None:
            key = sample["group"], _bucket(sample)
            every[key][sample[field]] += 1
            if sample["condition"] in conditions.QUIET:
                quiet[key][sample[field]] += 1
    references: dict[Key, str] = {}
    for key, counter in every.items():
        counter = quiet.get(key, counter)
        commonest = min(counter, key=lambda sha: (-counter[sha], sha))
        confirmed = counter[commonest] > 1 or counter.total() == 1
        if confirmed or key[0] in (conditions.AUDITED, conditions.SEEDED):
            references[key] = commonest
    return references


def _condition(
    name: str,
    samples: list[dict[str, Any]],
    references: dict[Key, str],
    digests: dict[Key, str],
    outputs: dict[str, Any],
) -> Condition:
    result = Condition(name, max(sample["concurrency"] for sample in samples), n=len(samples))
    owners: dict[str, set[str]] = defaultdict(set)
    for (group, _), sha in references.items():
        owners[sha].add(group)
    answered = [sample for sample in samples if "error" not in sample]
    result.errors = len(samples) - len(answered)
    for sample in answered:
        key = sample["group"], _bucket(sample)
        if sample["digest"] is not None and key in digests:
            result.digest_mismatches += sample["digest"] != digests[key]
        reference = references.get(key)
        if reference is None:
            continue
        result.compared += 1
        if sample["sha256"] == reference:
            continue
        others = owners[sample["sha256"]] - {sample["group"]}
        if others and sample["group"] not in owners[sample["sha256"]]:
            result.misrouted += 1
        else:
            result.mismatches += 1
            result.divergences += divergence_positions([outputs[reference]] * 2 + [sample["output"]])
    audited = [sample for sample in answered if sample["group"] == conditions.AUDITED]
    result.distinct = distinct_outputs(sample["sha256"] for sample in audited or answered)
    result.distinct_digests = distinct_outputs(s["digest"] for s in audited if s["digest"] is not None)
    result.divergences.sort()
    return result


def _identical(answered: list[dict[str, Any]]) -> Identical:
    buckets: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in answered:
        if sample["group"] == conditions.AUDITED:
            buckets[_bucket(sample)].append(sample)
    return Identical(
        n=sum(len(group) for group in buckets.values()),
        distinct=max((distinct_outputs(s["sha256"] for s in group) for group in buckets.values()), default=0),
        distinct_digests=max(
            (
                distinct_outputs(s["digest"] for s in group if s["digest"] is not None)
                for group in buckets.values()
            ),
            default=0,
        ),
    )


def gather(samples: Iterable[dict[str, Any]]) -> Evidence:
    """Evidence of a finished audit; `samples` in the order they were taken.

    Raises ValueError where no request was answered: no verdict can be drawn from that.
    """
    ordered = sorted(samples, key=lambda s: (s["wave"], int(s["key"].split(":")[1])))
    answered = [sample for sample in ordered if "error" not in sample]
    if not answered:
        first = ordered[0]["error"] if ordered else "no request was sent"
        raise ValueError(f"the target answered none of {len(ordered)} requests; the first said: {first}")
    references, digests = _references(answered), _references(answered, "digest")
    outputs = {sample["sha256"]: sample["output"] for sample in answered}
    by_condition: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in ordered:
        by_condition[sample["condition"]].append(sample)
    buckets = [_bucket(sample) for sample in answered]
    alone = (conditions.ALONE, conditions.ALONE_AGAIN)
    alone_outputs: dict[str, set[str]] = defaultdict(set)
    for sample in answered:
        if sample["condition"] in alone:
            alone_outputs[_bucket(sample)].add(sample["sha256"])
    return Evidence(
        conditions={
            name: _condition(name, group, references, digests, outputs)
            for name, group in by_condition.items()
        },
        fingerprints=sorted(set(buckets)),
        fingerprint_changes=sum(a != b for a, b in pairwise(buckets)),
        alone_outputs={bucket: len(shas) for bucket, shas in sorted(alone_outputs.items())},
        same_seed_outputs=distinct_outputs(
            (s["sha256"], _bucket(s)) for s in answered if s["condition"] == conditions.SAMPLED
        ),
        other_seed_outputs=distinct_outputs(
            s["sha256"] for s in answered if s["condition"] == conditions.SAMPLED_OTHER
        ),
        receipts=all(sample["receipt"] for sample in answered),
        unit=answered[0]["unit"],
        identical=_identical(answered),
        answered=len(answered),
        from_memo=sum(sample.get("memo", False) for sample in answered),
    )
