"""An edit cut at its elision markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(slots=True)
class Chunk:
    """A run of edit lines without a marker, `start` to `end` half-open, and the markers around it."""

    start: int
    end: int
    marker_before: bool
    marker_after: bool


def cut_at_markers(marked: Sequence[bool], edit_lines: Sequence[str]) -> list[Chunk]:
    """Splits the edit at its markers; chunks of blank lines only are left out."""
    edges = [-1, *(i for i, is_marker in enumerate(marked) if is_marker), len(marked)]
    out = []
    for before, after in pairwise(edges):
        if any(line.strip() for line in edit_lines[before + 1 : after]):
            out.append(Chunk(before + 1, after, before >= 0, after < len(marked)))
    return out
