"""The sweeps of `chain.py` in C, without the interpreter's lock. The same chains, to the last tie.

They are compiled at first use, and taken only where they give what numpy gives for known anchors.
"""

from __future__ import annotations

import ctypes
import random
from functools import lru_cache
from pathlib import Path

import numpy as np

from kernels.cpu.library import load_library, trusted

from .sweeps import FARTHEST, JUMP_COST, LOG, OUT_OF_SCOPE_COST, Links, Sweeps, sweep_by_groups

SOURCE = Path(__file__).with_name("sweeps.c")


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
    """The library, once it has given what numpy gives; None where there is none or it does not."""
    return trusted(CompiledSweeps, _agrees, "sweeps over a chain's anchors")
