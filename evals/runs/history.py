"""The history of fingerprints: each has a score on the reference set, so a new one means a rebaseline."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from evals.cases import Case, written
from evals.runs.rates import Rate
from evals.runs.summary import Summary


class Baseline(BaseModel):
    """The reference score of one fingerprint."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    date: str
    model: str
    numerics_version: str
    cases_sha256: str
    byte_exact: Rate
    unscored: int


def reference_cases() -> list[Case]:
    """The reference set: the 200 written cases that `reference.txt` names, in its order."""
    by_id = {case.id: case for case in written.load_written()}
    names = (resources.files("evals.cases") / "data" / "reference.txt").read_text(encoding="utf-8").split()
    return [by_id[name] for name in names]


class History:
    """A file of baselines, one JSON object a line, oldest first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.entries = [
            Baseline.model_validate(json.loads(line)) for line in text.splitlines() if line.strip()
        ]

    def latest(self, fingerprint: str, cases_sha256: str) -> Baseline | None:
        """The newest baseline of a fingerprint on these reference cases; None means: rebaseline first."""
        for entry in reversed(self.entries):
            if (entry.fingerprint, entry.cases_sha256) == (fingerprint, cases_sha256):
                return entry
        return None

    def add(self, summary: Summary) -> Baseline:
        """Append the baseline of an accuracy run over the reference set.

        Raises ValueError for a run that spans fingerprints: it is the score of none of them.
        """
        if len(summary.buckets) != 1:
            raise ValueError(f"the run spans {len(summary.buckets)} fingerprints; run it again under one")
        bucket = summary.buckets[0]
        entry = Baseline(
            fingerprint=bucket.fingerprint,
            date=summary.provenance.date,
            model=summary.provenance.model,
            numerics_version=summary.provenance.numerics_version,
            cases_sha256=summary.cases_sha256,
            byte_exact=Rate.model_validate(bucket.scores["byte_exact"]),
            unscored=bucket.unscored,
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(entry.model_dump_json() + "\n")
        self.entries.append(entry)
        return entry
