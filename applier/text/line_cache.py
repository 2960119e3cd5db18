"""Facts of single lines that one edit asks for again and again, remembered. Bounded: never for long lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

MOST_LINES = 1 << 13
LONGEST = 256  # characters

Fact = TypeVar("Fact")


class _Facts(dict[str, Fact], Generic[Fact]):
    """Facts by line: what is known is a lookup in C. The oldest half goes when full.

    Safe to use from several threads: what two of them do at once is done twice.
    """

    def __init__(self, function: Callable[[str], Fact]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, line: str) -> Fact:
        fact = self._function(line)
        if len(line) <= LONGEST:
            if len(self) >= MOST_LINES:
                for old in list(self)[: MOST_LINES // 2]:
                    self.pop(old, None)
            self[line] = fact
        return fact


def of_line(function: Callable[[str], Fact]) -> Callable[[str], Fact]:
    """A pure function of a line that keeps its answers for the lines asked about last."""
    return _Facts(function).__getitem__


@of_line
def letters(text: str) -> int:
    """Letters and digits of a text."""
    return sum(map(str.isalnum, text))
