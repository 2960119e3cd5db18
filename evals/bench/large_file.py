"""Edits in their own files, and the same edits where 50,000 lines more follow: does cost follow the edit?

An edit that reaches to the end of its file is another edit where more lines follow; it has a row, but no part
in the medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from typing import Any

from applier.pipeline import Applier
from applier.types import EditFormat, EditRequest, EditResult, Tier
from evals.bench.harness.load import Load, LoadEdit
from evals.bench.harness.record import Row, record
from evals.bench.sizes import grown

LARGE = 2_500_000  # bytes: 50,000 lines with those of the file
MOST_LINES = 400  # of the edit's own file
MOST_EDITS = 40


def small_edits(load: Load, count: int) -> list[LoadEdit]:
    """The first `count` lazy Python edits of the model tier whose file has at most MOST_LINES lines."""
    fitting = (
        edit
        for edit in load.edits
        if edit.tier is Tier.MODEL
        and edit.case.format is EditFormat.LAZY
        and edit.case.language == "python"
        and edit.case.request().original.count(b"\n") <= MOST_LINES
    )
    return list(islice(fitting, count))


def compare(applier: Applier, edit: LoadEdit, size: int, repeats: int) -> Row:
    """Median milliseconds of both, one after the other in every repeat but a first one that is not counted;
    `same_change`: whether both give the same diff.
    """
    requests = edit.case.request(), grown(edit, size)
    times: tuple[list[float], list[float]] = [], []
    results: list[EditResult] = [applier.apply(request) for request in requests]
    for _ in range(repeats):
        for request, took in zip(requests, times, strict=True):
            took.append(_milliseconds(applier, request))
    own, large = map(median, times)
    return {
        "case": edit.case.id,
        "own_bytes": len(requests[0].original),
        "large_bytes": len(requests[1].original),
        "large_lines": requests[1].original.count(b"\n"),
        "own_milliseconds": round(own, 3),
        "large_milliseconds": round(large, 3),
        "growth_percent": _growth(own, large),
        "status": results[0].status.value,
        "same_change": results[0].diff == results[1].diff,
    }


def _milliseconds(applier: Applier, request: EditRequest) -> float:
    began = time.perf_counter()
    applier.apply(request)
    return 1e3 * (time.perf_counter() - began)


def _growth(own: float, large: float) -> float:
    return round(100 * (large / own - 1), 1)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Medians over the edits that make the same change in both, and by how much the one exceeds the other."""
    same = [row for row in rows if row["same_change"]]
    counts = {"edits": len(rows), "same_change": len(same)}
    if not same:
        return counts
    own, large = (median(row[f"{file}_milliseconds"] for row in same) for file in ("own", "large"))
    return counts | {
        "own_milliseconds": round(own, 3),
        "large_milliseconds": round(large, 3),
        "growth_percent": _growth(own, large),
    }


def run_large_file(
    applier: Applier, load: Load, size: int, count: int, repeats: int, told: Callable[[Row], None]
) -> dict[str, Any]:
    """The record, a row for each edit. Raises ValueError for a load without such edits."""
    rows: list[Row] = []
    for edit in small_edits(load, count):
        rows.append(compare(applier, edit, size, repeats))
        told(rows[-1])
    if not rows:
        raise ValueError(f"the load has no lazy Python edit of a file of at most {MOST_LINES} lines")
    found = summary(rows)
    told(found)
    settings = {"load": load.source, "repeats": repeats, "size": size}
    return record("large-file", "in process", settings, rows, summary=found)
