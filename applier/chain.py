"""The best monotone chain of anchors, by dynamic programming over all candidates.

A jump inside a chunk costs by its length, one across a marker next to nothing, and one out of the block
whose head the edit shows costs much. Scores are integers, so that every machine finds the same chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .anchors import Anchor, log2_eighths

JUMP_COST = 6  # of a jump inside a chunk, per eighth of log2(1 + lines skipped)
OUT_OF_SCOPE_COST = 400
NEVER = -(1 << 40)


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
    forward, previous = _sweep(edit, line, weight, chunk, indent, ends)
    backward = _sweep_back(edit, line, weight, chunk, indent, ends)
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


def _groups(edit: np.ndarray) -> list[np.ndarray]:
    return np.split(np.arange(len(edit)), np.flatnonzero(np.diff(edit)) + 1)


def _sweep(edit, line, weight, chunk, indent, ends) -> tuple[np.ndarray, np.ndarray]:
    score = weight.astype(np.int64)
    previous = np.full(len(edit), -1)
    for group in _groups(edit):
        before = np.arange(group[0])
        if not len(before):
            continue
        gain = score[before][:, None] - _edge_costs(edit, line, chunk, indent, ends, before, group)
        best = gain.argmax(axis=0)
        value = gain[best, np.arange(len(group))]
        better = value > 0
        score[group] += np.where(better, value, 0)
        previous[group] = np.where(better, best, -1)
    return score, previous


def _sweep_back(edit, line, weight, chunk, indent, ends) -> np.ndarray:
    score = weight.astype(np.int64)
    for group in reversed(_groups(edit)):
        after = np.arange(group[-1] + 1, len(edit))
        if not len(after):
            continue
        gain = score[after][None, :] - _edge_costs(edit, line, chunk, indent, ends, group, after)
        score[group] += np.maximum(gain.max(axis=1), 0)
    return score
