"""Where all alignments agree an edit falls into segments, each with readings of its own.

A pivot is a line that every alignment takes for the same line of the window. What lies between two pivots is
read by itself, so that an edit of five changes has the sum of their readings and not the product.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..input import Scene
from ..table import MATCH, Step

Pivot = tuple[int, int]


def pivots(scene: Scene, alignments: Sequence[Sequence[Step]]) -> list[Pivot]:
    """(row, column) of the lines of text that are the same in every alignment."""
    common: set[Pivot] | None = None
    for steps in alignments:
        same = {
            (row, column)
            for state, row, column in steps
            if state == MATCH
            and row is not None
            and column is not None
            and scene.edit_texts[row] == scene.item_texts[column] != ""
        }
        common = same if common is None else common & same
    return sorted(common or ())


def cut(steps: Sequence[Step], at: Sequence[Pivot]) -> list[list[Step]]:
    """The steps between pivots: one list more than there are pivots."""
    out: list[list[Step]] = [[]]
    left = iter(at)
    pivot = next(left, None)
    for step in steps:
        if pivot is not None and step[0] == MATCH and step[1] == pivot[0] and step[2] == pivot[1]:
            out.append([])
            pivot = next(left, None)
        else:
            out[-1].append(step)
    return out
