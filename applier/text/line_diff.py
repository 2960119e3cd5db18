"""Which items two sequences share, in order: the comparison under the unified diff.

The result depends on the two sequences alone, not on a library's version, because it decides bytes that
users see. Time is linear in the length for a few changes anywhere in long sequences.

Anchors are items that occur once on each side (Bram Cohen's patience diff); between anchors runs the greedy
O(ND) algorithm of Myers, "An O(ND) Difference Algorithm and Its Variations", 1986.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

# More edits than this between two anchors, or more steps in total, and the rest is shown as one replacement.
# Both bound the time that a hostile pair can take.
_MAX_EDITS = 600
_MAX_STEPS = 2_000_000
BLOCK = 64  # items that are compared at a time


class Change(NamedTuple):
    """Items `a_start:a_end` of the first sequence became `b_start:b_end` of the second; one may be empty."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int


class _Budget:
    def __init__(self, steps: int) -> None:
        self.steps = steps


def same_ends(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[int, int]:
    """How many items two sequences have in common at their start, and of the rest at their end."""
    a, b = list(a), list(b)  # slices of lists are compared without the interpreter
    above = same_start(a, b, BLOCK)
    return above, same_start(a[above:][::-1], b[above:][::-1], BLOCK)


def same_start(a: Sequence[Hashable], b: Sequence[Hashable], block: int) -> int:
    """How many items two lists, or two byte strings, have in common at their start.

    Slices of `block` items are compared, which runs without the interpreter.
    """
    most, at = min(len(a), len(b)), 0
    while at < most and a[at : at + block] == b[at : at + block]:
        at += block
    low, high = min(at, most), min(at + block, most)
    while low < high:  # the first difference lies in this block
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def changes(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Change]:
    """The changes that turn `a` into `b`, in order, with at least one equal item between any two."""
    found: list[Change] = []
    above, below = same_ends(a, b)
    middle = _changes(a, b, above, len(a) - below, above, len(b) - below, _Budget(_MAX_STEPS))
    for a_start, a_end, b_start, b_end in middle:
        if found and found[-1].a_end == a_start and found[-1].b_end == b_start:
            found[-1] = Change(found[-1].a_start, a_end, found[-1].b_start, b_end)
        else:
            found.append(Change(a_start, a_end, b_start, b_end))
    return found


def _changes(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    a_low: int,
    a_high: int,
    b_low: int,
    b_high: int,
    budget: _Budget,
) -> Iterator[Change]:
    while a_low < a_high and b_low < b_high and a[a_low] == b[b_low]:
        a_low, b_low = a_low + 1, b_low + 1
    while a_low < a_high and b_low < b_high and a[a_high - 1] == b[b_high - 1]:
        a_high, b_high = a_high - 1, b_high - 1
    if a_low == a_high or b_low == b_high:
        if a_low < a_high or b_low < b_high:
            yield Change(a_low, a_high, b_low, b_high)
        return
    anchors = _anchors(a, b, a_low, a_high, b_low, b_high)
    if not anchors:
        yield from _myers(a, b, a_low, a_high, b_low, b_high, budget)
        return
    for i, j in [*anchors, (a_high, b_high)]:
        if i >= a_low and j >= b_low:  # an anchor may lie in what the run before it has matched
            yield from _myers(a, b, a_low, i, b_low, j, budget)
            a_low, b_low = i, j
            while a_low < a_high and b_low < b_high and a[a_low] == b[b_low]:
                a_low, b_low = a_low + 1, b_low + 1


def _anchors(
    a: Sequence[Hashable], b: Sequence[Hashable], a_low: int, a_high: int, b_low: int, b_high: int
) -> list[tuple[int, int]]:
    """Pairs of positions of items that are unique on both sides, as the longest increasing run of them."""
    count_a, count_b = Counter(a[a_low:a_high]), Counter(b[b_low:b_high])
    where = {b[j]: j for j in range(b_low, b_high) if count_b[b[j]] == 1}
    pairs = [(i, where[a[i]]) for i in range(a_low, a_high) if count_a[a[i]] == 1 and a[i] in where]
    tails: list[int] = []  # smallest last position in b of an increasing run of each length
    ends: list[int] = []  # its index in `pairs`
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        previous.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(j)
            ends.append(index)
        else:
            tails[length], ends[length] = j, index
    run: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = previous[index]
    return run[::-1]


def _myers(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    a_low: int,
    a_high: int,
    b_low: int,
    b_high: int,
    budget: _Budget,
) -> Iterator[Change]:
    while a_low < a_high and b_low < b_high and a[a_high - 1] == b[b_high - 1]:
        a_high, b_high = a_high - 1, b_high - 1
    while a_low < a_high and b_low < b_high and a[a_low] == b[b_low]:
        a_low, b_low = a_low + 1, b_low + 1
    n, m = a_high - a_low, b_high - b_low
    if n == 0 or m == 0:
        if n or m:
            yield Change(a_low, a_high, b_low, b_high)
        return
    furthest = {1: 0}  # diagonal k = x - y -> furthest x
    trail: list[dict[int, int]] = []
    for edits in range(min(n + m, _MAX_EDITS) + 1):
        budget.steps -= edits + 1
        if budget.steps < 0:
            break
        trail.append(dict(furthest))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            y = x - k
            while x < n and y < m and a[a_low + x] == b[b_low + y]:
                x, y = x + 1, y + 1
            furthest[k] = x
            if x >= n and y >= m:
                yield from _walk_back(trail, n, m, a_low, b_low)
                return
    yield Change(a_low, a_high, b_low, b_high)


def _walk_back(trail: list[dict[int, int]], x: int, y: int, a_low: int, b_low: int) -> Iterator[Change]:
    """Single insertions and deletions of the path that `trail` records, in order."""
    steps: list[Change] = []
    for edits in range(len(trail) - 1, 0, -1):
        furthest = trail[edits]
        k = x - y
        down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
        before_k = k + 1 if down else k - 1
        before_x = furthest[before_k]
        before_y = before_x - before_k
        if down:
            steps.append(Change(a_low + before_x, a_low + before_x, b_low + before_y, b_low + before_y + 1))
        else:
            steps.append(Change(a_low + before_x, a_low + before_x + 1, b_low + before_y, b_low + before_y))
        x, y = before_x, before_y
    yield from reversed(steps)
