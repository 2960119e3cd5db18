"""What one request gave, and the figures of many."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from applier.types import EditResult, Status, Tier


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Equal requests share `key`; `digest` is None where there was no answer but `error`.

    Seconds run from the moment at which the request was due, not from when it was sent: a server that delays
    a client is charged for it (no coordinated omission).
    """

    key: str
    seconds: float
    digest: str | None = None
    error: str | None = None
    status: str = ""
    tier: str = ""
    window_tokens: int = 0
    whole_tokens: int = 0
    passes: int = 0


def answered(key: str, seconds: float, result: EditResult, whole_tokens: int) -> Sample:
    """The sample of an answer. The digest covers what a receipt promises, status and confidence."""
    applied = result.status is Status.APPLIED
    return Sample(
        key=key,
        seconds=seconds,
        digest=f"{result.status} {result.receipt.result_sha256} {result.confidence!r}",
        status=result.status.value,
        tier=result.tier.value,
        window_tokens=result.tokens.merged,
        whole_tokens=whole_tokens if applied and result.tier is Tier.MODEL else 0,
        passes=result.tokens.passes,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed (nearest rank). Raises ValueError."""
    if not values:
        raise ValueError("no percentile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def distinct_results(samples: Iterable[Sample]) -> tuple[int, int]:
    """(most distinct answers that one request got: must be 1, requests that were answered more than once)."""
    by_key: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        if sample.digest is not None:
            by_key[sample.key][sample.digest] += 1
    most = max((len(digests) for digests in by_key.values()), default=0)
    return most, sum(digests.total() > 1 for digests in by_key.values())


def summarise(samples: Sequence[Sample], wall_seconds: float) -> dict[str, Any]:
    """The figures of requests that took `wall_seconds` together.

    Merged tokens are those of applied edits of the model tier: of the window, which the model writes, and of
    the whole new file, which is what tools that rewrite files count.
    """
    good = [sample for sample in samples if sample.digest is not None]
    milliseconds = [1e3 * sample.seconds for sample in good]
    merged = [s for s in good if s.tier == Tier.MODEL.value and s.status == Status.APPLIED.value]
    window = sum(sample.window_tokens for sample in merged)
    most, repeated = distinct_results(good)
    return {
        "requests": len(samples),
        "answered": len(good),
        "errors": dict(sorted(Counter(s.error for s in samples if s.error).items())),
        "status": dict(sorted(Counter(sample.status for sample in good).items())),
        "tiers": dict(sorted(Counter(sample.tier for sample in good).items())),
        "seconds": round(wall_seconds, 4),
        "requests_per_second": round(len(good) / wall_seconds, 3) if wall_seconds else None,
        "milliseconds": {
            name: round(percentile(milliseconds, share), 3) if good else None
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        },
        "window_tokens": window,
        "window_tokens_per_second": round(window / wall_seconds, 1) if wall_seconds else None,
        "whole_file_tokens_per_second": (
            round(sum(sample.whole_tokens for sample in merged) / wall_seconds, 1) if wall_seconds else None
        ),
        "passes_per_1000_tokens": (
            round(1e3 * sum(sample.passes for sample in merged) / window, 2) if window else None
        ),
        "distinct_results_per_request": most,
        "requests_repeated": repeated,
    }
