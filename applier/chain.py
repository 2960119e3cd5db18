"""The best monotone chain of anchors, by dynamic programming over all candidates.

A jump inside a chunk costs by its length, one across a marker next to nothing, and one out of the block
whose head the edit shows costs much. Scores are integers, so that every machine finds the same chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from .anchors import Anchor, log2_eighths

JUMP_COST = 6  # of a jump inside a chunk, per eighth of log2(1 + lines skipped)
OUT_OF_SCOPE_COST = 400
NEVER = -(1 << 40)
MOST_AT_ONCE = 300  # anchors, above which the costs of all steps together take too much memory

Costs = Callable[[slice, slice], np.ndarray]  # of steps from some anchors to others


@dataclass(slots=True)
class Chain:
    """The best chain, and for every candidate anchor the score of the best chain through it."""

    anchors: list[Anchor] = field(default_factory=list)
    candidates: list[Anchor] = field(default_factory=list)
    through: list[int] = field(default_factory=list)
    score: int = 0


_LOG = np.array([0] + [log2_eighths(n) for n in range(1, 4097)], dtype=np.int64)


def _log(n: np.ndarray) -> np.ndarray:
    return _LOG[np.minimum(n, 4096)]


def best_chain(
    candidates: Sequence[Anchor],
    chunk_of: Sequence[int],
    edit_indents: Sequence[int],
    scope_end: Callable[[int], int],
) -> Chain:
    """The heaviest chain by dynamic programming, O(candidates²) in numpy."""
    anchors = sorted(candidates, key=lambda a: (a.edit, a.line))
    if not anchors:
        return Chain()
    edit = np.array([a.edit for a in anchors])
    line = np.array([a.line for a in anchors])
    weight = np.array([a.weight for a in anchors])
    chunk = np.array([chunk_of[a.edit] for a in anchors])
    indent = np.array([edit_indents[a.edit] for a in anchors])
    ends = np.array([_end_of(a, chunk_of, edit_indents, scope_end) for a in anchors])
    costs: Costs = partial(_edge_costs, edit, line, chunk, indent, ends)
    if len(anchors) <= MOST_AT_ONCE:  # one matrix for all steps of both sweeps
        costs = _parts_of(costs(slice(None), slice(None)))
    groups = _groups(edit)
    forward, previous = _sweep(weight, groups, costs)
    backward = _sweep_back(weight, groups, costs)
    best = int(forward.argmax())
    chain = []
    at = best
    while at >= 0:
        chain.append(anchors[at])
        at = int(previous[at])
    through = forward + backward - weight
    return Chain(chain[::-1], anchors, through.tolist(), int(forward[best]))


def _end_of(
    anchor: Anchor, chunk_of: Sequence[int], edit_indents: Sequence[int], scope_end: Callable[[int], int]
) -> int:
    """The end of the block that an anchor heads in the edit, or -1: what follows is not bound to a block."""
    following = next((n for n in range(anchor.edit + 1, len(chunk_of)) if edit_indents[n] >= 0), None)
    if following is None or edit_indents[following] <= edit_indents[anchor.edit]:
        return -1
    return scope_end(anchor.line)


def _edge_costs(edit, line, chunk, indent, ends, left, right) -> np.ndarray:
    """Cost [len(left), len(right)] of a step from `left` to `right`; prohibitive where it cannot be."""
    edit_step = edit[right][None, :] - edit[left][:, None]
    line_step = line[right][None, :] - line[left][:, None]
    together = chunk[right][None, :] == chunk[left][:, None]
    jump = line_step - edit_step
    inside = JUMP_COST * _log(1 + np.maximum(jump, 0)) + 2 * _log(1 + np.maximum(-jump, 0))
    across = _log(1 + np.abs(line_step))
    cost = np.where(together, inside, across)
    end = ends[left][:, None]
    leaves = (end >= 0) & (indent[right][None, :] > indent[left][:, None]) & (line[right][None, :] > end)
    cost = cost + OUT_OF_SCOPE_COST * leaves
    return np.where((edit_step > 0) & (line_step > 0), cost, -NEVER)


def _parts_of(everything: np.ndarray) -> Costs:
    return lambda left, right: everything[left, right]


def _groups(edit: np.ndarray) -> list[slice]:
    """The anchors of each line of the edit, which lie side by side."""
    edges = [0, *(np.flatnonzero(np.diff(edit)) + 1).tolist(), len(edit)]
    return [slice(start, end) for start, end in pairwise(edges)]


def _sweep(weight: np.ndarray, groups: Sequence[slice], costs: Costs) -> tuple[np.ndarray, np.ndarray]:
    score = weight.astype(np.int64)
    previous = np.full(len(weight), -1)
    for group in groups[1:]:
        before = slice(0, group.start)
        gain = score[before][:, None] - costs(before, group)
        value = gain.max(axis=0)
        score[group] += np.maximum(value, 0)
        previous[group] = np.where(value > 0, gain.argmax(axis=0), -1)
    return score, previous


def _sweep_back(weight: np.ndarray, groups: Sequence[slice], costs: Costs) -> np.ndarray:
    score = weight.astype(np.int64)
    for group in reversed(groups[:-1]):
        after = slice(group.stop, None)
        gain = score[after][None, :] - costs(group, after)
        score[group] += np.maximum(gain.max(axis=1), 0)
    return score
