"""What a score belongs to: fingerprint, numerics version, model, hardware, software and date."""

from __future__ import annotations

import platform
from datetime import UTC, datetime

import torch
from pydantic import BaseModel, ConfigDict

from evals.runs.machine import hardware

UNKNOWN = "unknown"
NO_CACHES = "no memo, no prefix cache: every result was computed"


class Provenance(BaseModel):
    """Stated with every summary. `fingerprint` is the bucket of the score; "unknown" is one too.

    `caches` says what could have answered, or a part of it, without computing.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    numerics_version: str
    model: str
    hardware: str
    software: str
    date: str
    caches: str = UNKNOWN


def provenance(
    fingerprint: str | None, model: str, numerics_version: str = UNKNOWN, caches: str = UNKNOWN
) -> Provenance:
    """The provenance of a run on this machine, now."""
    return Provenance(
        fingerprint=fingerprint or UNKNOWN,
        numerics_version=numerics_version,
        model=model,
        hardware=hardware(),
        software=f"Python {platform.python_version()}, torch {torch.__version__}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        caches=caches,
    )
