"""Chains of dependent edits: each is applied to what the one before it left, so that an error stays in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from applier.types import EditRequest, Status
from evals.cases.chains import Chain
from evals.measure.summary import Bucket, Summary, make_summary
from evals.metrics import distinct_outputs
from evals.runs.config import ChainConfig
from evals.runs.progress import track
from evals.runs.provenance import UNKNOWN, Provenance
from evals.runs.store import SampleStore
from evals.runs.subjects import Subject
from evals.runs.work import Sample


def walk(subject: Subject, chain: Chain, repeat: int) -> Sample:
    """Apply a chain once. After a wrong or refused step it goes on with the file as that step left it."""
    content = chain.start
    steps: list[dict[str, object]] = []
    fingerprints: set[str] = set()
    for step in chain.steps:
        result = subject.apply(EditRequest(content, step.edit, chain.path, chain.language, step.format))
        content = result.content
        fingerprints.add(result.receipt.fingerprint or UNKNOWN)
        steps.append(
            {
                "right": content == step.expected,
                "status": result.status.value,
                "tier": result.tier.value,
                "reason": result.refusal.reason.value
                if result.status is Status.REFUSED and result.refusal
                else None,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    return {
        "key": f"{chain.id}#{repeat}",
        "chain": chain.id,
        "repeat": repeat,
        "fingerprint": ", ".join(sorted(fingerprints)),
        "steps": steps,
    }


def _bucket(fingerprint: str, samples: Sequence[Sample]) -> Bucket:
    by_chain: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_chain[sample["chain"]].append(sample)
    chains = {
        name: {
            "repeats": len(walks),
            "steps": len(walks[0]["steps"]),
            "steps_right": min(sum(step["right"] for step in walk["steps"]) for walk in walks),
            "distinct_endings": distinct_outputs(walk["steps"][-1]["sha256"] for walk in walks),
            "distinct_paths": distinct_outputs(
                tuple(step["sha256"] for step in walk["steps"]) for walk in walks
            ),
        }
        for name, walks in sorted(by_chain.items())
    }
    repeats = max(len(walks) for walks in by_chain.values())
    return Bucket(
        fingerprint=fingerprint, n=len(samples), unscored=0, repeats=repeats, scores={"chains": chains}
    )


def run_chains(
    config: ChainConfig, chains: Sequence[Chain], subject: Subject, provenance: Provenance
) -> Summary:
    """Walk every chain `repeats` times. `steps_right` is that of the worst walk."""
    parts = [part for chain in chains for part in (chain.start, *(s.edit + s.expected for s in chain.steps))]
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    store = SampleStore(config.out, config, {"cases_sha256": digest, "fingerprint": provenance.fingerprint})
    jobs = [(chain, repeat) for repeat in range(config.repeats) for chain in chains]
    missing = [(chain, repeat) for chain, repeat in jobs if f"{chain.id}#{repeat}" not in store.samples]
    try:
        for chain, repeat in track(missing, len(missing), "chain"):
            store.add(walk(subject, chain, repeat))
    finally:
        store.close()
    buckets: dict[str, list[Sample]] = defaultdict(list)
    for sample in store.samples.values():
        buckets[sample["fingerprint"]].append(sample)
    made = [_bucket(fingerprint, group) for fingerprint, group in sorted(buckets.items())]
    summary = make_summary("chain", provenance, "chains", digest, config, made)
    summary.write(config.out)
    return summary
