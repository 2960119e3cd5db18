"""Syntax trees of the files that were parsed last: an agent edits the same file again and again.

A tree of a parse from nothing is a function of the text and the grammar, and nobody changes it: edits are
made to copies.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import tree_sitter

MOST_BYTES = 1 << 21  # of files
# Measured over 16 grammars, a tree takes 10 to 80 times its text, most often about 30.
MOST_MEMORY = 64 * MOST_BYTES  # bytes that the trees of a process take at most, all but certainly

Spans = Sequence[tuple[int, int]]
Parsed = tuple[tree_sitter.Tree, Spans]  # with the errors in it


class Trees:
    """By language and text, at most `most_bytes` of text; what was not asked for longest goes first.

    Safe to use from several threads.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[tuple[str | None, bytes], Parsed] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, language: str | None, data: bytes) -> Parsed | None:
        """The tree of a text; None where it is not kept."""
        with self._lock:
            found = self._kept.get((language, data))
            if found is not None:
                self._kept.move_to_end((language, data))
            return found

    def keep(self, language: str | None, data: bytes, parsed: Parsed) -> None:
        """Keeps the tree of a parse from nothing."""
        with self._lock:
            if len(data) > self._most // 4 or (language, data) in self._kept:
                return
            self._kept[language, data] = parsed
            self._bytes += len(data)
            while self._bytes > self._most:
                (_, oldest), _ = self._kept.popitem(last=False)
                self._bytes -= len(oldest)
