"""Where repeated outputs part: first divergence, Div_Index and token-level agreement.

Positions are 0-based: "the first 102 tokens are identical and the 103rd differs" is index 102. Div_Index is
defined in arXiv 2506.09501.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations


def first_divergence(a: Sequence[Hashable], b: Sequence[Hashable]) -> int | None:
    """First index at which `a` and `b` differ; None where they are equal.

    A sequence that ends where the other goes on differs at its own length.
    """
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return None if len(a) == len(b) else min(len(a), len(b))


def div_index(runs: Sequence[Sequence[Hashable]]) -> int | None:
    """Div_Index of one item: the length of the prefix that all runs share; None where all runs are equal.

    Raises ValueError for fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError("Div_Index compares runs; it needs at least two")
    first = runs[0]
    positions = [first_divergence(first, other) for other in runs[1:]]
    return min((p for p in positions if p is not None), default=None)


def divergence_positions(runs: Sequence[Sequence[Hashable]]) -> list[int]:
    """First divergence of each run from the most common output, sorted; runs equal to it give no entry.

    Among equally common outputs the least in sort order is the reference, so that the order of the runs does
    not matter.
    """
    if not runs:
        return []
    counts = Counter(tuple(run) for run in runs)
    reference = min(counts, key=lambda output: (-counts[output], tuple(map(repr, output))))
    positions: list[int] = []
    for output, count in counts.items():
        position = first_divergence(reference, output)
        if position is not None:
            positions.extend([position] * count)
    return sorted(positions)


def _pair_agreement(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    longest = max(len(a), len(b))
    if longest == 0:
        return 1.0
    return sum(left == right for left, right in zip(a, b, strict=False)) / longest


def token_agreement(runs: Sequence[Sequence[Hashable]]) -> float:
    """Mean over all pairs of runs of the share of positions holding the same token.

    Positions run to the longer of the two outputs, so a missing tail disagrees. Cost follows the distinct
    outputs, not the runs. Raises ValueError for fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError("token agreement compares runs; it needs at least two")
    counts = Counter(tuple(run) for run in runs)
    equal_pairs = sum(n * (n - 1) // 2 for n in counts.values())
    terms = [_pair_agreement(a, b) * counts[a] * counts[b] for a, b in combinations(counts, 2)]
    return math.fsum([float(equal_pairs), *terms]) / (len(runs) * (len(runs) - 1) // 2)
