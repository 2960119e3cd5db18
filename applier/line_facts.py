"""Facts of single lines that one edit asks for again and again, remembered. Bounded: never for long lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MOST_LINES = 1 << 13
LONGEST = 256  # characters

Fact = TypeVar("Fact")


def of_line(function: Callable[[str], Fact]) -> Callable[[str], Fact]:
    """A pure function of a line that keeps its answers for the lines asked about last."""
    kept = lru_cache(maxsize=MOST_LINES)(function)

    @wraps(function)
    def known(line: str) -> Fact:
        return kept(line) if len(line) <= LONGEST else function(line)

    return known


@of_line
def letters(text: str) -> int:
    """Letters and digits of a text."""
    return sum(map(str.isalnum, text))
