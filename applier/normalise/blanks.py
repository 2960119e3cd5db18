"""Blank lines of the file that an edit leaves out between unchanged lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from ..parse.markers import MarkerKind
from ..text.file_lines import FileLines

_TELLING = 3  # letters or digits of a pair of lines that is known again
_Pair = tuple[str, str]


def missing_blanks(
    edit: Sequence[str], markers: Mapping[int, MarkerKind], file: FileLines
) -> dict[int, list[str]]:
    """Blank lines of the file to put back, by the row of the edit that they stand before.

    Two lines that follow one another in edit and file, blank lines aside, are unchanged, and so is what lies
    between them. Single and doubled blank lines are judged apart: where some are shown as in the file, a
    missing one is taken off on purpose, and so is one whose absence is all that the edit changes.
    """
    had = _between(file, {line.strip() for line in edit})
    short: dict[bool, dict[int, list[str]]] = {True: {}, False: {}}  # by whether the file has several
    shown: set[bool] = set()
    changes = False
    filled = [row for row, line in enumerate(edit) if line.strip()]
    for above, below in pairwise(filled):
        if above in markers or below in markers:
            continue
        pair = edit[above].strip(), edit[below].strip()
        changes = changes or pair not in had
        run = had.get(pair)
        if not run or sum(map(str.isalnum, pair[0] + pair[1])) < _TELLING:
            continue
        blanks = below - above - 1
        if blanks < len(run):
            short[len(run) > 1][below] = run[blanks:]
        else:
            shown.add(len(run) > 1)
    if not changes:
        return {}
    fewer = [row for row in short[True] if not edit[row - 1].strip()]
    if len(fewer) == 1:  # one blank line for two at one place only may well be meant
        del short[True][fewer[0]]
    return {row: run for many in (False, True) if many not in shown for row, run in short[many].items()}


def _between(file: FileLines, wanted: Collection[str]) -> dict[_Pair, list[str] | None]:
    """The blank lines between two lines that follow one another and are both `wanted`; None where that is not
    always the same.
    """
    found: dict[_Pair, list[str] | None] = {}
    file.seek(wanted)
    for first in wanted:
        for above in file.rows(first):
            below = above + 1
            while below < len(file) and not file.text(below):
                below += 1
            if below < len(file) and (second := file.text(below)) in wanted:
                run = file[above + 1 : below]
                found[first, second] = run if found.get((first, second), run) == run else None
    return found
