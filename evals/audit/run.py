"""Run an audit from its configuration: samples and a summary in one folder, resumable."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from evals.audit.conditions import plan
from evals.audit.evidence import Evidence, gather
from evals.audit.execute import execute
from evals.audit.questions import answers
from evals.audit.target import Target
from evals.audit.verdict import judge
from evals.runs.progress import track
from evals.runs.provenance import UNKNOWN, Provenance
from evals.runs.store import SampleStore

FAILED = {"error": "not asked yet"}


class AuditConfig(BaseModel):
    """What an audit sends. `backend` and `target_options` name the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    backend: str
    target_options: dict[str, str | int | bool | None] = Field(default_factory=dict)
    repeats: PositiveInt = 20
    concurrencies: tuple[PositiveInt, ...] = (2, 4, 8)
    identical: int = Field(default=0, ge=0, description="at least so many asks of the audited request")


def run_audit(config: AuditConfig, target: Target, provenance: Provenance) -> dict[str, Any]:
    """Ask what has not been answered yet, then judge. Returns the summary that is written to `summary.json`.

    Raises RunMismatch for a folder of another audit, and ValueError where nothing was answered.
    """
    identity = {"target": target.name, "model": target.model}
    store = SampleStore(config.out, config, identity)
    waves = list(
        plan(target.workload, config.repeats, config.concurrencies, target.samples, config.identical)
    )
    done = frozenset(
        index
        for index, wave in enumerate(waves)
        if all("error" not in store.samples.get(f"{index}:{i}", FAILED) for i in range(len(wave)))
    )
    try:
        for samples in track(execute(target, waves, done), len(waves), "audit"):
            for sample in samples:
                store.add(sample)
    finally:
        store.close()
    return write_summary(config, target, provenance, list(store.samples.values()))


def _caches(evidence: Evidence, provenance: Provenance) -> str:
    """What the target is known to keep; the replies of a server of ours show whether its memo gave them."""
    if provenance.caches != UNKNOWN or not evidence.receipts:
        return provenance.caches
    memo = f"{evidence.from_memo} of {evidence.answered} replies" if evidence.from_memo else "no reply"
    return f"{memo} from the server's memo; its prefix cache as it was"


def _warning(evidence: Evidence) -> str | None:
    warnings = []
    if len(evidence.fingerprints) > 1:
        warnings.append("this audit spans several fingerprints; outputs were compared only within one")
    if evidence.from_memo:
        warnings.append(
            f"{evidence.from_memo} of {evidence.answered} replies came from the server's memo and were not "
            "computed; to audit the computing, serve without it (samebytes serve --memo-bytes 0)"
        )
    return "; ".join(warnings) or None


def write_summary(
    config: AuditConfig, target: Target, provenance: Provenance, samples: list[dict[str, Any]]
) -> dict[str, Any]:
    """The summary of an audit, written to its folder."""
    evidence = gather(samples)
    verdicts = judge(evidence)
    fingerprint = ", ".join(evidence.fingerprints)
    summary: dict[str, Any] = {
        "kind": "audit",
        "warning": _warning(evidence),
        "target": target.name,
        "provenance": provenance.model_copy(
            update={"fingerprint": fingerprint, "caches": _caches(evidence, provenance)}
        ).model_dump(mode="json"),
        "config": config.model_dump(mode="json", exclude={"out"}),
        "verdicts": asdict(verdicts),
        "questions": [asdict(answer) for answer in answers(evidence, verdicts)],
        "conditions": [asdict(condition) for condition in evidence.conditions.values()],
        "unit": evidence.unit,
        "identical": asdict(evidence.identical),
        "memo": {"answered": evidence.answered, "from_memo": evidence.from_memo},
    }
    path = config.out / "summary.json"
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary
