"""How the indentation of an edit maps to the file's, told by the lines that both have.

A shift is a pair: white space that lines of the edit start with, and what lines of the file start with
instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .line_cache import of_line
from .window import GAP, Item


@of_line
def indent_of(line: str) -> int:
    """Width of the leading white space, a tab counting as 4."""
    body = line.lstrip()
    return len(line[: len(line) - len(body)].expandtabs(4))


Shift = tuple[str, str]
SAME: Shift = ("", "")
_WEIGHT_CAP = 16  # letters after which a line's vote does not grow


def white(line: str) -> str:
    """The white space that a line starts with."""
    return line[: len(line) - len(line.lstrip())]


def shift_between(edit_line: str, file_line: str) -> Shift:
    """The shortest shift that turns the indentation of one line into that of the other."""
    if edit_line == file_line:
        return SAME
    ours, theirs = white(edit_line), white(file_line)
    if ours == theirs:
        return SAME
    common = min(len(ours), len(theirs))
    while not ours.endswith(theirs[len(theirs) - common :]):
        common -= 1
    return ours[: len(ours) - common], theirs[: len(theirs) - common]


def reindent(line: str, shift: Shift) -> str:
    """The line with its indentation shifted; blank lines and lines the shift does not fit are left."""
    if shift == SAME or not line.strip() or not line.startswith(shift[0]):
        return line
    return shift[1] + line[len(shift[0]) :]


def majority(pairs: Iterable[tuple[str, str]]) -> Shift:
    """The most common shift over pairs of an edit's and a file's line; none, if that fits a third of them."""
    votes: Counter[Shift] = Counter()
    for ours, theirs in pairs:
        if ours.strip():
            votes[shift_between(ours, theirs)] += 1 + min(len(ours.strip()), _WEIGHT_CAP)
    if not votes or 3 * votes[SAME] >= votes.total():
        return SAME
    return max(votes, key=lambda shift: votes[shift])


def shifts(items: Sequence[Item], edit: Sequence[str]) -> list[Shift]:
    """Every shift, other than none, from some line of the edit to an equal line of the window, most common
    first.
    """
    places: dict[str, set[str]] = {}
    for item in items:
        if item is not GAP and item.strip():
            places.setdefault(item.strip(), set()).add(item)
    votes: Counter[Shift] = Counter()
    for line in edit:
        for theirs in sorted(places.get(line.strip(), ())):
            votes[shift_between(line, theirs)] += 1
    del votes[SAME]
    return [shift for shift, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))]
