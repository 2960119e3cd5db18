"""Which merged windows keep a file parsing: a merge that breaks it is hardly the one that was meant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from .syntax import error_spans, has_grammar
from .window import Item, Window

MAX_LETTERS = 1 << 18  # of a file that is parsed again for every reading


class Soundness:
    """Says of a merged window whether the file parses with it. Of a file that does not parse as it is, has no
    grammar, or is large, everything is sound.
    """

    def __init__(self, lines: Sequence[str], window: Window, language: str | None) -> None:
        self._lines, self._window, self._language = lines, window, language

    @cached_property
    def _parses(self) -> bool:
        if not has_grammar(self._language) or sum(map(len, self._lines)) > MAX_LETTERS:
            return False
        return error_spans("\n".join(self._lines), self._language) == []

    def __call__(self, merged: Sequence[Item]) -> bool:
        """Raises WindowError when a gap is missing."""
        if not self._parses:
            return True
        whole = self._window.assemble(self._lines, merged)
        return not error_spans("\n".join(whole), self._language)
