"""Lines with remarks in place of their parts: `{ port: /* ... existing ... */, name: "new" }`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ..text.file_lines import FileLines
from ..text.indentation import white

_REMARK = re.compile(r"/\*\s*(?:\.{3}|…)[^*]{0,40}\*/(?=\s*\S)")
_LAST = re.compile(r"[\w'\"]{1,80}\W{0,4}$")
_FIRST = re.compile(r"\W{1,6}(?:\w{1,80}|$)")
_LONGEST = 1000  # characters of a line
_MOST = 32


def refilled(edit: Sequence[str], file: FileLines) -> dict[int, list[str]]:
    """Rows with the file's text in place of each remark inside them.

    That text stands between the last word before the remark and the first after it, in a line that has the
    former once. One line of the file only may have all of them, in order.
    """
    found: dict[int, list[str]] = {}
    rows = [row for row, line in enumerate(edit) if "/*" in line and len(line) <= _LONGEST]
    for row in rows[:_MOST]:
        line = edit[row].strip()
        parts = _REMARK.split(line)
        edges = [(_LAST.search(left), _FIRST.match(right)) for left, right in pairwise(parts)]
        words = [(before[0], after[0]) for before, after in edges if before and after]
        if not words or len(words) < len(edges) or file.has(line):
            continue
        lines = [file.text(at) for at in file.rows_with(words[0][0])]
        filled = [texts for text in lines if len(text) <= _LONGEST and (texts := _between(text, words))]
        if len(filled) == 1:
            rest = zip(filled[0], parts[1:], strict=True)
            found[row] = [white(edit[row]) + parts[0] + "".join(text + part for text, part in rest)]
    return found


def _between(text: str, words: Sequence[tuple[str, str]]) -> list[str] | None:
    """What stands between each pair of words, in order."""
    found: list[str] = []
    at = 0
    for before, after in words:
        start = text.find(before, at) + len(before)
        end = text.find(after, start + 1)
        if text.count(before) != 1 or start < at + len(before) or end < 0:
            return None
        found.append(text[start:end])
        at = end
    return found
