"""The JSON file of a benchmark: what was measured, on what, when, and the rows."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from evals.runs.machine import hardware

Row = dict[str, Any]


def record(
    kind: str, subject: str, settings: dict[str, Any], rows: Sequence[Row], **more: Any
) -> dict[str, Any]:
    """A benchmark's result. `kind` is its command's name, `subject` what was under load."""
    return {
        "kind": f"bench {kind}",
        "subject": subject,
        "hardware": hardware(),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}",
        "load_average": round(os.getloadavg()[0], 2),  # at the end; other work on the machine spoils figures
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings,
        **more,
        "rows": list(rows),
    }


def write_record(result: dict[str, Any], out: Path) -> Path:
    """Write `bench.json` into the folder `out`, and return its path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "bench.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path


def tell(row: Row) -> None:
    """Print a row as it comes, with nested figures flattened."""
    shown: list[str] = []
    for name, value in row.items():
        if isinstance(value, dict):
            value = " ".join(f"{key} {inner}" for key, inner in value.items()) or "none"
        shown.append(f"{name.replace('_', ' ')}: {value}")
    print("; ".join(shown), flush=True)
