"""The ways in which a snippet can be read, likeliest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..text.file_lines import FileLines
from .edits import LazySnippet, Role
from .elisions import Judged, Says, judge

MOST = 4
CERTAIN = 3500  # odds, in thousandths of a logit, that leave no other reading


@dataclass(frozen=True, slots=True)
class Reading:
    """A snippet with every line's role decided. `penalty` is what its odds lack to those of the likeliest
    reading, in thousandths of a logit.
    """

    edit: LazySnippet
    penalty: int = 0


def readings(
    snippet: LazySnippet, file: Sequence[str], language: str | None, *, stub: bool = False
) -> list[Reading]:
    """At most `MOST` readings of a snippet over the lines of its file. The first takes every line for what it
    most probably is; each other takes one line, or two, for the other thing. None where the first has no
    code.

    `stub`: a .pyi file, in which dots are code.
    """
    judged = _judged(snippet, file, language, stub)
    open_rows = sorted((abs(one.odds), row) for row, one in judged.items() if abs(one.odds) < CERTAIN)
    flips: list[tuple[int, tuple[int, ...]]] = [
        (0, ()),
        *((odds, (row,)) for odds, row in open_rows[: MOST - 1]),
    ]
    if len(open_rows) > 1:
        flips.append((open_rows[0][0] + open_rows[1][0], (open_rows[0][1], open_rows[1][1])))
    flips.sort(key=lambda flip: flip[0])
    out = []
    for penalty, rows in flips:
        edit = _as_judged(snippet, judged, rows)
        if any(line.strip() for row, line in enumerate(edit.lines) if row not in edit.markers):
            out.append(Reading(edit, penalty))
        elif not rows:
            return []
    return out[:MOST]


def as_read(
    snippet: LazySnippet, file: Sequence[str], language: str | None, *, stub: bool = False
) -> LazySnippet:
    """The likeliest reading, which may have no code."""
    return _as_judged(snippet, _judged(snippet, file, language, stub), ())


def _judged(snippet: LazySnippet, file: Sequence[str], language: str | None, stub: bool) -> dict[int, Judged]:
    lines = FileLines.of(file)
    judged = judge(snippet.lines, language, lines, stub=stub, talks=not snippet.fence_stripped)
    return {row: one for row, one in judged.items() if row not in snippet.cuts}


def _as_judged(snippet: LazySnippet, judged: Mapping[int, Judged], flipped: Sequence[int]) -> LazySnippet:
    markers = {row: kind for row, kind in snippet.markers.items() if row in snippet.cuts}
    roles = list(snippet.roles)
    for row in range(len(snippet.lines)):
        one = judged.get(row)
        marks = one is not None and (one.odds > 0) is (row not in flipped)
        if one is not None and marks:
            markers[row] = one.kind
        if row not in snippet.cuts and roles:
            talk = marks and one is not None and one.says is Says.TALK
            roles[snippet.rows[row]] = Role.TALK if talk else Role.MARKER if marks else Role.CODE
    return replace(snippet, markers=dict(sorted(markers.items())), roles=tuple(roles))
