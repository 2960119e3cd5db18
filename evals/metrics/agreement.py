"""Agreement of repeated runs: exact match, distinct outputs, TARr@N and TARa@N.

TARr@N and TARa@N are defined in arXiv 2408.04667: the share of test items on which all N runs agree, over the
raw output string (r) and over the answer parsed out of it (a).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence


def exact_match(result: bytes, expected: bytes) -> bool:
    """True where the result is the expected file, byte for byte."""
    return result == expected


def exact_match_rate(pairs: Iterable[tuple[bytes, bytes]]) -> float:
    """Share of (result, expected) pairs that are equal.

    Raises ValueError for no pairs: a rate of nothing is not zero.
    """
    matches = [exact_match(result, expected) for result, expected in pairs]
    if not matches:
        raise ValueError("exact_match_rate needs at least one scored pair")
    return sum(matches) / len(matches)


def distinct_outputs(outputs: Iterable[Hashable]) -> int:
    """Number of different outputs among N; 1 of 1,000 is what determinism looks like."""
    return len(set(outputs))


def _check_runs(items: Sequence[Sequence[object]]) -> None:
    runs = {len(item) for item in items}
    if len(runs) != 1 or runs == {0}:
        raise ValueError(f"every item needs the same number of runs, at least one; got {sorted(runs)}")


def tar_r(raw: Sequence[Sequence[Hashable]]) -> float:
    """TARr@N: share of items whose N raw outputs are all identical. `raw[item][run]`.

    Raises ValueError for no items, or items with different numbers of runs.
    """
    _check_runs(raw)
    return sum(distinct_outputs(item) == 1 for item in raw) / len(raw)


def tar_a(answers: Sequence[Sequence[Hashable | None]]) -> float:
    """TARa@N: share of items whose N parsed answers are all identical. `answers[item][run]`.

    An answer that could not be parsed is None and agrees with nothing, another None included. Raises
    ValueError for no items, or items with different numbers of runs.
    """
    _check_runs(answers)
    return sum(None not in item and distinct_outputs(item) == 1 for item in answers) / len(answers)
