"""The alignments of a scene under several costs: the compiled table where there is one, else `table.py`."""

from __future__ import annotations

from collections.abc import Sequence

from .compiled import trusted_table
from .costs import Costs
from .likeness import Likeness
from .scene import Scene
from .table import Step, align_lines


def alignments(
    scene: Scene, likeness: Likeness, settings: Sequence[Costs]
) -> list[tuple[list[Step], list[int]]]:
    """The different alignments in the order of the first setting that gives each, with the numbers of its
    settings.
    """
    table = trusted_table()
    if table is not None:
        return table.align(scene, likeness, settings)
    found: dict[tuple[Step, ...], list[int]] = {}
    for number, costs in enumerate(settings):
        found.setdefault(tuple(align_lines(scene, likeness, costs)), []).append(number)
    return [(list(steps), numbers) for steps, numbers in found.items()]


def alignment(scene: Scene, likeness: Likeness, costs: Costs) -> list[Step]:
    """The best alignment under some costs."""
    return alignments(scene, likeness, (costs,))[0][0]
