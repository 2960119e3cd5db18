"""Notices a merge that repeats itself: no line can come more often than window and edit have it together.

A model that has lost its way writes the same lines until its limit. What has been written once too often is
wrong whatever follows, so the merge ends there, at the same place whatever the passes were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..text.window import GAP, Item
from .prompt import PromptCodec


def line_limits(window: Iterable[Item], shown: Iterable[str]) -> Counter[str]:
    """How often each line, without white space around it, may stand in a merged window."""
    return Counter(line.strip() for side in (window, shown) for line in side if line is not GAP)


def repeats(merged: Iterable[Item], limits: Mapping[str, int]) -> bool:
    """Whether some line stands too often in a merged window."""
    counts = Counter(line.strip() for line in merged if line is not GAP)
    return any(count > limits.get(text, count) for text, count in counts.items())


class Repeats:
    """Counts the lines of one merge as they are written. Lines that have no limit are free.

    `harmless` are ids known to hold no line too often: what begins as they do is not counted.
    """

    def __init__(self, codec: PromptCodec, limits: Mapping[str, int], harmless: Sequence[int] = ()) -> None:
        self._codec, self._harmless = codec, harmless
        self._left = dict(limits)
        self._texts: dict[tuple[int, ...], str] = {}
        self._at = 0
        self._exceeded = False

    def exceeded(self, written: Sequence[int]) -> bool:
        """Whether some line has come too often in `written`, which goes on from what it was before."""
        known = self._harmless[: len(written)]
        if not self._at and len(written) == len(known) and written == known:
            return False
        start = self._at
        for at in range(self._at, len(written)):
            if written[at] == self._codec.gap_id:
                start = at + 1
            elif written[at] in self._codec.line_ends:
                self._count(tuple(written[start : at + 1]))
                start = at + 1
        self._at = start
        return self._exceeded

    def _count(self, line: tuple[int, ...]) -> None:
        text = self._texts.get(line)
        if text is None:
            text = self._texts[line] = self._codec.text_of(line).strip()
        if text in self._left:
            self._left[text] -= 1
            self._exceeded |= self._left[text] < 0
