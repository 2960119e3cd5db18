"""What a score belongs to: fingerprint, numerics version, model, hardware, software and date."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict

UNKNOWN = "unknown"


class Provenance(BaseModel):
    """Stated with every summary. `fingerprint` is the bucket of the score; "unknown" is one too."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    numerics_version: str
    model: str
    hardware: str
    software: str
    date: str


def hardware() -> str:
    """Processor model, its usable cores, and the first GPU where there is one."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{name}, {cores} cores"
    return f"{text}; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else text


def provenance(fingerprint: str | None, model: str, numerics_version: str = UNKNOWN) -> Provenance:
    """The provenance of a run on this machine, now."""
    return Provenance(
        fingerprint=fingerprint or UNKNOWN,
        numerics_version=numerics_version,
        model=model,
        hardware=hardware(),
        software=f"Python {platform.python_version()}, torch {torch.__version__}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
