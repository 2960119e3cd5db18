"""Fenced code blocks as models write them: CommonMark, plus blocks nested in blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """An opening or closing fence line."""

    char: str
    length: int
    info: str
    indent: str

    def closes(self, opener: Fence) -> bool:
        """Whether this line ends the block that `opener` began (CommonMark 0.31, section 4.5)."""
        return self.char == opener.char and self.length >= opener.length and not self.info


def read_fence(line: str) -> Fence | None:
    """The fence on this line, or None."""
    match = _FENCE.match(line)
    if match is None:
        return None
    ticks = match["ticks"]
    return Fence(ticks[0], len(ticks), match["info"].strip(), match["indent"])


def block_end(lines: Sequence[str], start: int, opener: Fence) -> int | None:
    """Index of the line that closes the block opened on the line before `start`; None if none does.

    CommonMark ends a block at the first bare fence that is long enough. Models nest blocks of equal
    length (a README inside a fence), so a fence with an info string inside the block is taken as
    an opener whose own closing fence belongs to it.
    """
    depth = 0
    for index in range(start, len(lines)):
        fence = read_fence(lines[index])
        if fence is None or fence.char != opener.char or fence.length < opener.length:
            continue
        if fence.info:
            depth += 1
        elif depth:
            depth -= 1
        else:
            return index
    return None


def longest_run(text: str) -> int:
    """The longest run of backticks that begins a line of `text` (after indentation), 0 for none."""
    return max((len(m) for m in re.findall(r"^[ \t]*(`+)", text, re.MULTILINE)), default=0)
