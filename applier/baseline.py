"""The merge without a model: a tuned alignment of the edit with the window.

Its proposal is the first draft of every merge by the model, and the baseline that the model must beat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .alignment import DELETE, INSERT, KEEP, MATCH, SKIP, Costs, Step, align_lines
from .markers import MarkerKind, find_markers, trailing_marker
from .window import Item

DEFAULT_COSTS = Costs()


def align(
    items: Sequence[Item],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    markers: Mapping[int, MarkerKind] | None = None,
    costs: Costs = DEFAULT_COSTS,
) -> list[Item]:
    """The proposed merged window: a lazy edit laid over a window's items, every gap kept once and in order.

    A marker keeps the original up to the next line that the edit shows; lines between two shown lines with no
    marker between are gone; shown lines that the window lacks are inserted.
    """
    if markers is None:
        markers = find_markers(edit_lines, language)
    elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in range(len(edit_lines))]
    silent = [i in markers and not elides[i] for i in range(len(edit_lines))]
    shown = [_without_trailing_marker(line, language) for line in edit_lines]
    steps = align_lines(items, shown, elides, silent, costs)
    return _write(items, shown, steps, _indents(items, shown, elides, steps))


def align_replacement(
    items: Sequence[Item],
    search: Sequence[str],
    replace: Sequence[str],
    costs: Costs = DEFAULT_COSTS,
) -> list[Item]:
    """The proposed merged window of one search/replace block or diff hunk whose search text is inexact.

    Search lines are aligned with the window; lines that search and replacement share keep the window's bytes.
    """
    from difflib import SequenceMatcher

    nothing = [False] * len(search)
    steps = align_lines(items, search, nothing, nothing, costs)
    at = {step.row: step.column for step in steps if step.state == MATCH}
    if not at:
        return list(items)
    shift = _majority([(items[c], search[r]) for r, c in at.items() if r is not None and c is not None])
    gone = {step.column for step in steps if step.state == DELETE}
    put: dict[int, list[Item]] = {}
    column = min(c for c in at.values() if c is not None)
    for tag, a, b, c, d in SequenceMatcher(None, search, replace, autojunk=False).get_opcodes():
        if tag in ("replace", "insert"):
            put.setdefault(column, []).extend(_shifted(line, shift) for line in replace[c:d])
        for row in range(a, b):
            where = at.get(row)
            if where is None:
                continue
            column = where + 1
            if tag != "equal":
                gone.add(where)
    out: list[Item] = []
    for number, item in enumerate(items):
        out.extend(put.get(number, ()))
        if number not in gone:
            out.append(item)
    return [*out, *put.get(len(items), ())]


def _without_trailing_marker(line: str, language: str | None) -> str:
    found = trailing_marker(line, language)
    return found[0] if found else line


def _white(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


SAME = ("", "")
Shift = tuple[str, str]  # white space at the start of a line of the edit, and what stands there in the file


def _indents(
    items: Sequence[Item], edit: Sequence[str], elides: Sequence[bool], steps: Sequence[Step]
) -> list[Shift]:
    """For every line of the edit, how its chunk's indentation maps to the file's: by its unchanged lines."""
    chunk_of, chunk = [], 0
    for elided in elides:
        chunk += elided
        chunk_of.append(chunk)
    pairs: dict[int, list[tuple[Item, str]]] = {}
    for step in steps:
        if step.state == MATCH and step.row is not None and step.column is not None:
            item = items[step.column]
            if edit[step.row].strip() and item is not None and item.strip() == edit[step.row].strip():
                pairs.setdefault(chunk_of[step.row], []).append((item, edit[step.row]))
    everything = [pair for group in pairs.values() for pair in group]
    shifts = {number: _majority(group) for number, group in pairs.items()}
    whole = _majority(everything)
    return [shifts.get(number, whole) for number in chunk_of]


def _majority(pairs: Sequence[tuple[Item, str]]) -> Shift:
    """The commonest way in which the file's white space differs: none, if that is true of a third of the lines."""
    votes: Counter[Shift] = Counter()
    for theirs, ours in pairs:
        if theirs is not None and theirs.strip():
            votes[_shift(_white(theirs), _white(ours))] += 1 + min(len(ours.strip()), 16)
    if not votes or 3 * votes[SAME] >= votes.total():
        return SAME
    return max(votes, key=lambda shift: votes[shift])


def _shift(theirs: str, ours: str) -> Shift:
    common = 0
    while common < min(len(theirs), len(ours)) and theirs[-1 - common] == ours[-1 - common]:
        common += 1
    return ours[: len(ours) - common], theirs[: len(theirs) - common]


def _shifted(line: str, shift: Shift) -> str:
    if not line.strip() or not line.startswith(shift[0]):
        return line
    return shift[1] + line[len(shift[0]) :]


def _write(
    items: Sequence[Item], edit: Sequence[str], steps: Sequence[Step], shifts: Sequence[Shift]
) -> list[Item]:
    out: list[Item] = []
    for step in steps:
        if step.state in (KEEP, SKIP) and step.column is not None:
            out.append(items[step.column])
        elif step.state == INSERT and step.row is not None:
            out.append(_shifted(edit[step.row], shifts[step.row]))
        elif step.state == MATCH and step.row is not None and step.column is not None:
            ours = _shifted(edit[step.row], shifts[step.row])
            theirs = items[step.column]
            out.append(theirs if theirs is not None and theirs.rstrip() == ours.rstrip() else ours)
    return out
