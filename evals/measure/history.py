"""The history of fingerprints: each has a score on the reference set, so a new one means a rebaseline."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from evals.cases import Case, written
from evals.measure.rates import Rate
from evals.measure.summary import Summary


class ContractBroken(ValueError):
    """One fingerprint gave other bytes than before on the same cases."""


class Baseline(BaseModel):
    """The reference score of one fingerprint; `results_sha256` is over what came of every case."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    date: str
    model: str
    numerics_version: str
    cases_sha256: str
    byte_exact: Rate
    unscored: int
    results_sha256: str


def reference_cases() -> list[Case]:
    """The reference set: the 200 written cases that `reference.txt` names, in its order."""
    by_id = {case.id: case for case in written.load_written()}
    names = (resources.files("evals.cases") / "data" / "reference.txt").read_text(encoding="utf-8").split()
    return [by_id[name] for name in names]


class History:
    """A file of baselines, one JSON object a line, oldest first. Raises ValueError for another file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            self.entries = [
                Baseline.model_validate(json.loads(line)) for line in text.splitlines() if line.strip()
            ]
        except ValueError as error:
            raise ValueError(f"{path} is no history of baselines: {error}") from error

    def latest(self, fingerprint: str, cases_sha256: str) -> Baseline | None:
        """The newest baseline of a fingerprint on these reference cases; None means: rebaseline first."""
        for entry in reversed(self.entries):
            if (entry.fingerprint, entry.cases_sha256) == (fingerprint, cases_sha256):
                return entry
        return None

    def add(self, summary: Summary) -> Baseline:
        """Append the baseline of an accuracy run over the reference set; a fingerprint that has one keeps it.

        Raises ValueError for a run that spans fingerprints, since it is the score of none of them, and for
        one with cases that were not scored; ContractBroken where the fingerprint's baseline is of other
        results.
        """
        if len(summary.buckets) != 1:
            raise ValueError(f"the run spans {len(summary.buckets)} fingerprints; run it again under one")
        bucket = summary.buckets[0]
        if bucket.unscored:
            raise ValueError(f"{bucket.unscored} cases were not scored; a baseline needs all of them")
        entry = Baseline(
            fingerprint=bucket.fingerprint,
            date=summary.provenance.date,
            model=summary.provenance.model,
            numerics_version=summary.provenance.numerics_version,
            cases_sha256=summary.cases_sha256,
            byte_exact=Rate.model_validate(bucket.scores["byte_exact"]),
            unscored=bucket.unscored,
            results_sha256=bucket.scores["results_sha256"],
        )
        known = self.latest(entry.fingerprint, entry.cases_sha256)
        if known is not None and known.results_sha256 != entry.results_sha256:
            raise ContractBroken(
                f"fingerprint {entry.fingerprint[:16]} gave other results on {known.date} than now, "
                "on the same cases: one fingerprint must mean equal bytes"
            )
        if known is not None:
            return known
        with self.path.open("a", encoding="utf-8") as file:
            file.write(entry.model_dump_json() + "\n")
        self.entries.append(entry)
        return entry
