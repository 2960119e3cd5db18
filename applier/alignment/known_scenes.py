"""Small scenes that take every way through the table of an alignment: what a faster one is tried on."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..window import GAP, Item
from .scene import Scene

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
