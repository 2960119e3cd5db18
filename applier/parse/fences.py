"""Outer code fences: the ones a chat wraps around an edit, and not the ones that belong to the file."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Possessive, as all repetitions here that something alike follows: a line is read once, whatever is in it.
FENCE = re.compile(r"^(?P<ticks>`{3,}+|~{3,}+)[ \t]*+(?P<info>[^`]*+)$")
# Files of these languages have fences of their own.
FENCED_LANGUAGES = frozenset({"markdown", "text"})
_WRAPPER_INFO = frozenset({"markdown", "md", "mdx", "text", "txt", "rst", "diff", "patch"})


@dataclass(frozen=True, slots=True)
class Unfenced:
    """The lines inside the outer fence, or all lines. `info` is the word after the opening ticks."""

    lines: list[str]
    first_line: int  # 1-based line of the edit that `lines` starts with
    stripped: bool
    info: str = ""


def fence_info(line: str) -> str | None:
    """The info string of a fence line ("" for a bare one); None for any other line."""
    match = FENCE.match(line)
    return match["info"].strip() if match else None


def _balanced(lines: list[str], ticks: str) -> bool:
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


def strip_outer_fence(lines: list[str], language: str | None) -> Unfenced:
    """Take off a fence around all lines.

    The first and the last line that are not blank must be a fence and its close. In a language with fences
    of its own, the opening must say "markdown" or the like, or be longer than every fence inside; else it
    is content.
    """
    filled = [i for i, line in enumerate(lines) if line.strip()]
    whole = Unfenced(lines, 1, False)
    if len(filled) < 2:
        return whole
    first, last = filled[0], filled[-1]
    opening, closing = FENCE.match(lines[first]), FENCE.match(lines[last].rstrip())
    if opening is None or closing is None or closing["info"].strip():
        return whole
    ticks = opening["ticks"]
    if closing["ticks"][0] != ticks[0] or len(closing["ticks"]) < len(ticks):
        return whole
    inner = lines[first + 1 : last]
    info = opening["info"].strip().split(" ")[0].lower()
    if language in FENCED_LANGUAGES:
        fences = [match for line in inner if (match := FENCE.match(line.strip()))]
        longer = bool(fences) and all(len(match["ticks"]) < len(ticks) for match in fences)
        if not longer and (info not in _WRAPPER_INFO or not _balanced(inner, ticks)):
            return whole
    elif language is None and not _balanced(inner, ticks):
        return whole
    return Unfenced(inner, first + 2, True, info)
