"""`table.py` in C: all settings in one call, without the interpreter's lock. The same steps, to the last tie.

It is compiled at first use, and taken only where it gives the steps of `table.py` for known scenes.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

import numpy as np

from kernels.native import CompileError, load_library, trusted

from ..text.window import GAP, Item
from .costs import SETTINGS, Costs
from .input import Scene
from .similarity import Likeness
from .table import ANY_DEPTH, Step, align_lines, end_depth, marker_depth, new_step, next_indents

_NAMES = [field.name for field in fields(Costs)]
_values = attrgetter(*_NAMES)
SOURCE = Path(__file__).with_name("table.c")


class CompiledTable:
    """The library. Raises CompileError, also for one whose costs are not those of `Costs`."""

    def __init__(self, target: str = "native") -> None:
        library = load_library(target, SOURCE)
        library.samebytes_align_costs.restype = ctypes.c_char_p
        names = library.samebytes_align_costs().decode().split()
        if names != _NAMES:
            raise CompileError(f"{SOURCE.name} knows other costs than `Costs` has")
        self._align = library.samebytes_align

    def align(
        self, scene: Scene, likeness: Likeness, settings: Sequence[Costs]
    ) -> list[tuple[list[Step], list[int]]]:
        """The different alignments in the order of the first setting that gives each, with the numbers of its
        settings. Raises MemoryError.
        """
        rows, columns = likeness.same.shape
        scene_struct, _keep = _scene(scene, likeness)
        costs = np.array([_values(one) for one in settings], np.int64)
        steps = np.empty((len(settings), rows + columns, 3), np.int32)
        counts = np.empty(len(settings), np.int64)
        failed = self._align(
            ctypes.byref(scene_struct),
            ctypes.c_void_p(costs.ctypes.data),
            ctypes.c_int64(len(settings)),
            ctypes.c_void_p(steps.ctypes.data),
            ctypes.c_void_p(counts.ctypes.data),
        )
        if failed:
            raise MemoryError("no room for the tables of an alignment")
        numbers: dict[bytes, list[int]] = {}
        for number, count in enumerate(counts.tolist()):
            numbers.setdefault(steps[number, :count].tobytes(), []).append(number)
        return [(_steps(steps[at[0], : counts[at[0]]]), at) for at in numbers.values()]


def _steps(found: np.ndarray) -> list[Step]:
    return [
        new_step((state, None if row < 0 else row, None if column < 0 else column))
        for state, row, column in found.tolist()
    ]


class _Scene(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("elides", "silent", "outer", "letters", "common", "deepest")),
        *((name, ctypes.c_void_p) for name in ("same", "same_indent", "similar", "same_head", "renamed")),
        *((name, ctypes.c_void_p) for name in ("blank", "gap", "item_letters", "next_indent")),
        ("end_deepest", ctypes.c_int64),
    )


def _scene(scene: Scene, likeness: Likeness) -> tuple[_Scene, list[np.ndarray]]:
    """The struct, and the arrays that it points into."""
    rows, columns = likeness.same.shape
    outer = np.zeros(rows, np.uint8)
    outer[scene.outer_rows()] = 1
    depths = [marker_depth(scene, row) if scene.elides[row] else ANY_DEPTH for row in range(rows)]
    arrays = [
        np.array(scene.elides, np.uint8),
        np.array(scene.silent, np.uint8),
        outer,
        likeness.letters,
        likeness.common,
        np.array(depths, np.int64),
        likeness.same,
        likeness.same_indent,
        likeness.similar,
        likeness.same_head,
        likeness.renamed,
        likeness.blank,
        likeness.gap,
        likeness.item_letters,
        next_indents(scene.items),
    ]
    arrays = [np.ascontiguousarray(array) for array in arrays]
    return _Scene(rows, columns, *(array.ctypes.data for array in arrays), end_depth(scene)), arrays


def _agrees(table: CompiledTable) -> bool:
    return all(
        steps == align_lines(scene, likeness, SETTINGS[number])
        for scene in known_scenes()
        for likeness in [Likeness.of(scene)]
        for steps, numbers in table.align(scene, likeness, SETTINGS)
        for number in numbers
    )


@lru_cache(maxsize=1)
def trusted_table() -> CompiledTable | None:
    """The library, once it has given what `table.py` gives; None where there is none or it does not."""
    return trusted(CompiledTable, _agrees, "table of an alignment")


_LINES = (
    *("def first(a, b):", "def second(a):", "class Thing:", "    def first(self):", "}", ")", "", "  "),
    *("    return a", "    return a + b", "    total = a * b + 10_000", "    total = a * b + 20_000"),
    *("        for each in everything_there_is:", "import os", "import sys", "\tif tabbed:", "x = {"),
)


def known_scenes(count: int = 24, size: int = 14) -> Iterator[Scene]:
    """Windows of few different lines with gaps, and edits with their lines, markers and silent comments."""
    rng = random.Random(7)
    for _ in range(count):
        items: list[Item] = [rng.choice(_LINES) for _ in range(rng.randrange(size))]
        for _ in range(rng.randrange(3)):
            items.insert(rng.choice((0, len(items), rng.randrange(len(items) + 1))), GAP)
        edit = [rng.choice(_LINES) for _ in range(rng.randrange(size))]
        kinds = [rng.choices("ems", (8, 2, 1))[0] for _ in edit]
        if all(item is GAP for item in items):
            continue
        yield Scene(items, edit, [kind == "m" for kind in kinds], [kind == "s" for kind in kinds])


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
