"""The summary of a run: one score per fingerprint, with everything needed to judge it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from evals.runs.provenance import Provenance

SPANS = "this run spans {n} fingerprints; its scores are kept apart and must not be averaged"


class Bucket(BaseModel):
    """The scores of the samples that came under one fingerprint."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    n: int
    unscored: int
    repeats: int
    scores: dict[str, Any]


class Summary(BaseModel):
    """`summary.json`. `cases_sha256` names the exact set of cases, so that two runs can be compared."""

    model_config = ConfigDict(frozen=True)

    kind: str
    warning: str | None
    provenance: Provenance
    cases: str
    cases_sha256: str
    config: dict[str, Any]
    buckets: list[Bucket]

    def write(self, folder: Path) -> Path:
        """Write `summary.json` into the folder."""
        path = folder / "summary.json"
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return path


def make_summary(
    kind: str,
    provenance: Provenance,
    cases: str,
    cases_sha256: str,
    config: BaseModel,
    buckets: list[Bucket],
) -> Summary:
    """A summary that says at its top where a run spans fingerprints."""
    warning = SPANS.format(n=len(buckets)) if len(buckets) > 1 else None
    return Summary(
        kind=kind,
        warning=warning,
        provenance=provenance,
        cases=cases,
        cases_sha256=cases_sha256,
        config=config.model_dump(mode="json"),
        buckets=buckets,
    )


def load_summary(path: Path) -> Summary:
    """The summary of a run's folder, or of the file itself. Raises ValueError for something else."""
    file = path / "summary.json" if path.is_dir() else path
    try:
        return Summary.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is not the summary of a run: {error}") from error
