"""The dynamic programme of a chain: what steps between anchors cost, and the sweeps over all of them.

A jump inside a chunk costs by its length, one across a marker next to nothing, and one out of the block
whose head the edit shows costs much. Scores are integers, so that every machine finds the same chain.

<<<<<<< HEAD
This is the definition, and the way for machines without a C compiler; `CompiledSweeps` gives the same
sooner.
=======
This is the definition, and what runs without a C compiler; `compiled_sweeps` gives the same faster.
>>>>>>> 038f9ed (Say in plainer English what the applier's comments say)
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kernels.native import load_library, trusted

from .anchors import log2_eighths

JUMP_COST = 6  # of a jump inside a chunk, per eighth of log2(1 + lines skipped)
OUT_OF_SCOPE_COST = 400
NEVER = -(1 << 40)
FARTHEST = 4096  # lines; a longer way costs no more
MOST_AT_ONCE = 300  # anchors, above which the costs of all steps together take too much memory

Costs = Callable[[slice, slice], np.ndarray]  # of steps from some anchors to others
LOG = np.array([0] + [log2_eighths(n) for n in range(1, FARTHEST + 1)], dtype=np.int64)


class Links(NamedTuple):
    """Anchors, ascending by line of the edit, then of the file; all int64 [anchors].

    `edit` and `line`, their `weight`, the `chunk` and the `indent` of the line of the edit, and where the
    block `ends` that it heads, -1 where what follows is not bound to a block.
    """

    edit: np.ndarray
    line: np.ndarray
    weight: np.ndarray
    chunk: np.ndarray
    indent: np.ndarray
    ends: np.ndarray


class Sweeps(NamedTuple):
    """Of every anchor, int64: the score of the best chain that ends with it (`forward`) with the anchor
    before it there (`previous`, -1 for none), and of the best one that begins with it (`backward`).
    """

    forward: np.ndarray
    previous: np.ndarray
    backward: np.ndarray


def sweep_by_groups(links: Links) -> Sweeps:
    """O(anchors²), in numpy for all anchors of a line of the edit together."""
    costs: Costs = partial(_edge_costs, links)
    if len(links.edit) <= MOST_AT_ONCE:  # one matrix for all steps of both sweeps
        costs = _parts_of(costs(slice(None), slice(None)))
    groups = _groups(links.edit)
    return Sweeps(*_forward(links.weight, groups, costs), _backward(links.weight, groups, costs))


def _log(n: np.ndarray) -> np.ndarray:
    return LOG[np.minimum(n, FARTHEST)]


def _edge_costs(links: Links, left: slice, right: slice) -> np.ndarray:
    """Cost [len(left), len(right)] of a step from `left` to `right`; prohibitive where it cannot be."""
    edit, line, _, chunk, indent, ends = links
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


def _forward(weight: np.ndarray, groups: Sequence[slice], costs: Costs) -> tuple[np.ndarray, np.ndarray]:
    score = weight.astype(np.int64)
    previous = np.full(len(weight), -1)
    for group in groups[1:]:
        before = slice(0, group.start)
        gain = score[before][:, None] - costs(before, group)
        value = gain.max(axis=0)
        score[group] += np.maximum(value, 0)
        previous[group] = np.where(value > 0, gain.argmax(axis=0), -1)
    return score, previous


def _backward(weight: np.ndarray, groups: Sequence[slice], costs: Costs) -> np.ndarray:
    score = weight.astype(np.int64)
    for group in reversed(groups[:-1]):
        after = slice(group.stop, None)
        gain = score[after][None, :] - costs(group, after)
        score[group] += np.maximum(gain.max(axis=1), 0)
    return score


SOURCE = Path(__file__).with_name("chain_scores.c")


class _Anchors(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in (*Links._fields, "log")),
        *((name, ctypes.c_int64) for name in ("farthest", "jump_cost", "out_of_scope_cost")),
    )


class CompiledSweeps:
    """The library. Raises CompileError."""

    def __init__(self, target: str = "native") -> None:
        self._sweep = load_library(target, SOURCE).samebytes_sweeps

    def sweep(self, links: Links) -> Sweeps:
        """As `sweeps.sweep_by_groups`."""
        links = Links(*(np.ascontiguousarray(part, np.int64) for part in links))
        found = Sweeps(*np.empty((3, len(links.edit)), np.int64))
        costs = (FARTHEST, JUMP_COST, OUT_OF_SCOPE_COST)
        pointers = [part.ctypes.data for part in (*links, LOG)]
        self._sweep(
            ctypes.byref(_Anchors(len(links.edit), *pointers, *costs)),
            *(ctypes.c_void_p(part.ctypes.data) for part in found),
        )
        return found


def known_links(count: int = 20, size: int = 40) -> list[Links]:
    """Anchors of few lines with jumps both ways, several chunks, and blocks that steps leave."""
    rng = random.Random(11)
    out = []
    for _ in range(count):
        places = {(rng.randrange(12), rng.randrange(80)) for _ in range(rng.randrange(1, size))}
        anchors = sorted(places)
        chunks = sorted(rng.randrange(3) for _ in range(12))
        indents = [rng.choice((-1, 0, 4, 8)) for _ in range(12)]
        rows = [
            (row, line, rng.randrange(1, 300), chunks[row], indents[row], rng.choice((-1, line + 5)))
            for row, line in anchors
        ]
        out.append(Links(*np.array(rows, np.int64).T))
    return out


def _agrees(sweeps: CompiledSweeps) -> bool:
    return all(
        np.array_equal(ours, theirs)
        for links in known_links()
        for ours, theirs in zip(sweeps.sweep(links), sweep_by_groups(links), strict=True)
    )


@lru_cache(maxsize=1)
def trusted_sweeps() -> CompiledSweeps | None:
    """The library if it gives what numpy gives; None if it does not, or cannot be compiled."""
    return trusted(CompiledSweeps, _agrees, "sweeps over a chain's anchors")
