"""The best monotone chain of anchors, by dynamic programming over all candidates (`sweeps`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .anchors import Anchor
from .chain_scores import Links, sweep_by_groups, trusted_sweeps


@dataclass(slots=True)
class Chain:
    """The best chain, and for every candidate anchor the score of the best chain through it."""

    anchors: list[Anchor] = field(default_factory=list)
    candidates: list[Anchor] = field(default_factory=list)
    through: list[int] = field(default_factory=list)
    score: int = 0


def best_chain(
    candidates: Sequence[Anchor],
    chunk_of: Sequence[int],
    edit_indents: Sequence[int],
    scope_end: Callable[[int], int],
) -> Chain:
    """The heaviest chain, in O(candidates²)."""
    anchors = sorted(candidates)
    if not anchors:
        return Chain()
    heads = _heads(edit_indents)
    rows = [
        (edit, line, weight, chunk_of[edit], edit_indents[edit], scope_end(line) if edit in heads else -1)
        for edit, line, weight in anchors
    ]
    links = Links(*np.array(rows, np.int64).T)
    compiled = trusted_sweeps()
    found = compiled.sweep(links) if compiled else sweep_by_groups(links)
    at = best = int(found.forward.argmax())
    chain = []
    while at >= 0:
        chain.append(anchors[at])
        at = int(found.previous[at])
    through = found.forward + found.backward - links.weight
    return Chain(chain[::-1], anchors, through.tolist(), int(found.forward[best]))


def _heads(edit_indents: Sequence[int]) -> set[int]:
    """The lines of the edit that head a block there: the next line of text is deeper."""
    found, below = set(), -1
    for row in range(len(edit_indents) - 1, -1, -1):
        indent = edit_indents[row]
        if below > indent:
            found.add(row)
        below = below if indent < 0 else indent
    return found
