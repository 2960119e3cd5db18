"""Confidence intervals for rates: Wilson's score interval, and the rule of three for no failures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a rate, both in [0, 1]."""

    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval without continuity correction (Wilson 1927; method 3 in Newcombe 1998).

    Raises ValueError for n < 1 or successes outside 0..n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1, got {successes} of {n}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Interval(low, high)


def rule_of_three(n: int) -> float:
    """Upper 95 % bound 3/n on a failure rate after n trials without a failure (Hanley and Lippman-Hand,
    1983).

    Raises ValueError for n < 1. The bound is 1 for fewer than three trials.
    """
    if n < 1:
        raise ValueError("the rule of three needs at least one trial")
    return min(1.0, 3 / n)
