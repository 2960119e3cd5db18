"""Does a seed make equal outputs more likely? A permutation test on pairwise agreement."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

_EXACT_LIMIT = 200_000  # relabellings to enumerate; above it, a sample of them
_SAMPLES = 20_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """One-sided test that agreement within the first group exceeds that within the second.

    `p_value` is P(statistic at least as large) when labels mean nothing; `smallest_p` is the least it could
    be with these group sizes, which shows when a test cannot reach significance.
    """

    agreement_first: float
    agreement_second: float
    p_value: float
    smallest_p: float
    exact: bool
    relabellings: int


def agreement(outputs: Sequence[Hashable]) -> float:
    """The fraction of pairs that are equal; 1.0 for fewer than two outputs."""
    n = len(outputs)
    if n < 2:
        return 1.0
    return sum(math.comb(count, 2) for count in Counter(outputs).values()) / math.comb(n, 2)


def permutation_test(first: Sequence[Hashable], second: Sequence[Hashable]) -> PermutationTest:
    """Compare agreement within `first` and within `second`.

    If a seed has no effect then every output is an independent draw from one distribution and the labels are
    exchangeable, so the statistic's distribution under relabelling is exact, whatever the outputs are
    (Fisher 1935; Good, Permutation, Parametric and Bootstrap Tests, 3.1). All relabellings are enumerated
    up to 200,000; above that, 20,000 random ones from a fixed seed are counted, and p is (k + 1) / (m + 1)
    (Davison and Hinkley 1997, 4.2), which is never zero.
    """
    if len(first) < 2 or len(second) < 2:
        raise ValueError("each group needs two outputs or more")
    ids = {output: number for number, output in enumerate(dict.fromkeys([*first, *second]))}
    pooled = [ids[output] for output in [*first, *second]]
    totals = Counter(pooled)
    n, size = len(pooled), len(first)

    def statistic(chosen: Sequence[int]) -> float:
        counts = Counter(pooled[index] for index in chosen)
        inside = sum(math.comb(c, 2) for c in counts.values()) / math.comb(size, 2)
        outside = sum(math.comb(totals[k] - counts[k], 2) for k in totals) / math.comb(n - size, 2)
        return inside - outside

    observed = statistic(range(size)) - 1e-12
    ways = math.comb(n, size)
    if ways <= _EXACT_LIMIT:
        hits = sum(statistic(chosen) >= observed for chosen in itertools.combinations(range(n), size))
        p, relabellings = hits / ways, ways
    else:
        rng = random.Random(0)
        hits = sum(statistic(rng.sample(range(n), size)) >= observed for _ in range(_SAMPLES))
        p, relabellings = (hits + 1) / (_SAMPLES + 1), _SAMPLES
    smallest = 1 / ways if ways <= _EXACT_LIMIT else 1 / (_SAMPLES + 1)
    return PermutationTest(
        agreement(first), agreement(second), p, smallest, ways <= _EXACT_LIMIT, relabellings
    )


def largest_failure_rate(trials: int, confidence: float = 0.95) -> float:
    """Upper bound of a failure rate that showed no failure in `trials` (Clopper and Pearson 1934, x = 0)."""
    return 1 - (1 - confidence) ** (1 / trials) if trials else 1.0
