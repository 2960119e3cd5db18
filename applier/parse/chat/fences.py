"""Code fences: the blocks of a text, and the fences that a chat wraps around an edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .prose import is_prose

# Possessive, as all repetitions here that something alike follows: a line is read once, whatever is in it.
FENCE = re.compile(r"^(?P<ticks>`{3,}+|~{3,}+)[ \t]*+(?P<info>[^`]*+)$")
# Files of these languages have fences of their own.
FENCED_LANGUAGES = frozenset({"markdown", "text"})
WRAPPER_INFO = frozenset({"markdown", "md", "mdx", "text", "txt", "rst", "diff", "patch"})


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fenced block: 0-based rows of its fences; `close` is the number of lines where it has none."""

    opening: int
    close: int
    info: str  # what follows the opening ticks
    closed: bool = True

    @property
    def word(self) -> str:
        """The first word of the info string, in lower case: the language."""
        return self.info.split(" ")[0].lower()


def fence_info(line: str) -> str | None:
    """The info string of a fence line ("" for a bare one); None for any other line."""
    match = FENCE.match(line.rstrip())
    return match["info"].strip() if match else None


def fenced_blocks(lines: Sequence[str]) -> list[Fenced]:
    """The outermost fenced blocks. A fence with an info string inside one opens a block of its own there,
    where all such can be closed; else the first bare fence closes the block. Only the last may be open.
    """
    fences = [(row, match) for row, line in enumerate(lines) if (match := FENCE.match(line.rstrip()))]
    found: list[Fenced] = []
    nested = True  # once one block does not come out even, none is looked at so again: the scan stays linear
    at = 0
    while at < len(fences):
        end = _close(fences, at, nested)
        if end is None and nested:
            nested = False
            end = _close(fences, at, nested)
        row, opening = fences[at]
        close = len(lines) if end is None else fences[end][0]
        found.append(Fenced(row, close, opening["info"].strip(), end is not None))
        at = len(fences) if end is None else end + 1
    return found


def _close(fences: Sequence[tuple[int, re.Match[str]]], at: int, nested: bool) -> int | None:
    ticks = fences[at][1]["ticks"]
    depth = 1
    for index in range(at + 1, len(fences)):
        match = fences[index][1]
        if match["ticks"][0] != ticks[0] or len(match["ticks"]) < len(ticks):
            continue
        if match["info"].strip():
            depth += nested
        else:
            depth -= 1
        if depth == 0:
            return index
    return None


def _balanced(lines: Sequence[str], ticks: str) -> bool:
    """Whether the fences inside could all be closed inside, so that the outer pair can be a pair."""
    depth = 0
    for line in lines:
        match = FENCE.match(line.strip())
        if match is None or match["ticks"][0] != ticks[0] or len(match["ticks"]) < len(ticks):
            continue
        if match["info"].strip():
            depth += 1
        else:
            depth = depth - 1 if depth else 1
    return depth == 0


def _in_code(lines: Sequence[str], blocks: Sequence[Fenced]) -> bool:
    """Whether the fences behind the first are in the code that it opens."""
    first = lines[blocks[0].opening + 1 : blocks[0].close]
    if any(sum(line.count(quotes) for line in first) % 2 for quotes in ('"""', "'''")):
        return True
    between = [line for one, other in pairwise(blocks) for line in lines[one.close + 1 : other.opening]]
    return not all(map(is_prose, between))


def outer_fence(lines: Sequence[str], language: str | None) -> Fenced | None:
    """The fence around all lines, if there is one.

    The first and the last line that are not blank must be a fence and its close. In a language with fences
    of its own, the opening must say "markdown" or the like, or be longer than every fence inside; else it
    is content. In any other, fences inside are those of several blocks, unless the outer one alone names a
    language, and they lie in a string or around what is no prose.
    """
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return None
    first, last = filled[0], filled[-1]
    opening, closing = FENCE.match(lines[first]), FENCE.match(lines[last].rstrip())
    if opening is None or closing is None or closing["info"].strip():
        return None
    ticks = opening["ticks"]
    if closing["ticks"][0] != ticks[0] or len(closing["ticks"]) < len(ticks):
        return None
    inner = lines[first + 1 : last]
    found = Fenced(first, last, opening["info"].strip())
    if language in FENCED_LANGUAGES:
        fences = [match for line in inner if (match := FENCE.match(line.strip()))]
        longer = bool(fences) and all(len(match["ticks"]) < len(ticks) for match in fences)
        if not longer and (found.word not in WRAPPER_INFO or not _balanced(inner, ticks)):
            return None
    elif language is None:
        if not _balanced(inner, ticks):
            return None
    else:
        blocks = fenced_blocks(lines)
        if len(blocks) > 1 and (not found.info or any(block.info for block in blocks[1:])):
            return None
        if len(blocks) > 1 and not _in_code(lines, blocks):
            return None
    return found
