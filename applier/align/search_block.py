"""One search/replace block or diff hunk whose search text is inexact: where it stands all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..text.definitions import header_name
from ..text.indentation import Shift, majority, reindent, white
from ..text.line_cache import letters
from ..text.line_diff import changes
from ..text.window import Item
from .costs import SETTINGS
from .input import Scene
from .similarity import Likeness
from .table import MATCH
from .table_native import alignment

# Of a block or hunk, as `Verdict.odds`, by what mined edits gave: 99.9 % right; where another place is nearly
# as good, 89 %; where a line of the search text has no place, 65 %.
ODDS = 6000
NEAR_ODDS = 1500
TORN_ODDS = 500
CLEAR_LEAD = 15  # % of `Window.lead`
LEAST_ALIKE = 60  # % of similarity from which a line that changes may be the file's
ALIKE = 90  # from which no other line has to be the same
_LEAST_NAME = 4  # letters of a name that may be misspelt


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """A search text laid over a window: `at` gives the item of each line that has one, `alike` its similarity
    in %: 99 for one that is only written in another way, 0 for one that defines something else.
    """

    items: Sequence[Item]
    search: Sequence[str]
    at: Mapping[int, int]
    alike: Mapping[int, int]

    @staticmethod
    def of(items: Sequence[Item], search: Sequence[str]) -> SearchMatch:
        """The best alignment of the search text with the window."""
        nothing = [False] * len(search)
        scene = Scene(items, search, nothing, nothing)
        likeness = Likeness.of(scene)
        steps = alignment(scene, likeness, SETTINGS[0])
        at = {
            s.row: s.column for s in steps if s.state == MATCH and s.row is not None and s.column is not None
        }
        alike = {
            row: _alike(scene.edit_texts[row], scene.item_texts[column], int(likeness.similar[row, column]))
            for row, column in at.items()
        }
        return SearchMatch(items, search, at, alike)

    def odds(self, lead: int) -> int:
        """How likely the replacement is right, as `Verdict.odds`. `lead` is that of the window."""
        if any(letters(line) and row not in self.at for row, line in enumerate(self.search)):
            return TORN_ODDS
        return ODDS if lead >= CLEAR_LEAD else NEAR_ODDS

    def missing_line(self, start: int, end: int) -> int | None:
        """The first line of the search text that speaks against its standing here, None where none does.

        Lines `start` to `end` change, so each must be like one of the file; and some line of words must be
        the same, or every one of them nearly.
        """
        texts = [row for row, line in enumerate(self.search) if letters(line)]
        for row in texts:
            if start <= row < end and self.alike.get(row, 0) < LEAST_ALIKE:
                return row
        if any(self.alike.get(row, 0) == 100 for row in texts):
            return None
        return next((row for row in texts if self.alike.get(row, 0) < ALIKE), None)

    def replaced(self, replace: Sequence[str]) -> list[Item]:
        """The merged window. Lines that search and replacement share keep the window's bytes, and lines that
        the search text does not show stay.
        """
        if not self.at:
            return list(self.items)
        pairs = [(self.search[row], self.items[column] or "") for row, column in self.at.items()]
        shift, known = majority(pairs), _levels(pairs)
        gone: set[int] = set()
        put: dict[int, list[Item]] = {}
        for change in changes(self.search, replace):
            above = [column for row, column in self.at.items() if row < change.a_start]
            column = max(above) + 1 if above else min(self.at.values())
            put[column] = [_indented(line, known, shift) for line in replace[change.b_start : change.b_end]]
            gone.update(self.at[row] for row in range(change.a_start, change.a_end) if row in self.at)
        out: list[Item] = []
        for number, item in enumerate(self.items):
            out.extend(put.get(number, ()))
            if number not in gone:
                out.append(item)
        return [*out, *put.get(len(self.items), ())]


def _alike(ours: str, theirs: str, similar: int) -> int:
    """See `SearchMatch`; `similar` is their similarity as texts."""
    if ours == theirs or _plain(ours) == _plain(theirs):
        return 100 if ours == theirs else 99
    names = header_name(ours), header_name(theirs)
    return 0 if names[0] and names[1] and not _same_name(names[0], names[1]) else similar


def _plain(text: str) -> str:
    """A line without what is often misremembered: case, spaces, quotes, a comma or semicolon at its end."""
    return "".join(text.lower().split()).replace('"', "'").rstrip(",;") or text


def _same_name(ours: str, theirs: str) -> bool:
    """Whether a name may be the other one with a letter too many or too few."""
    ours, theirs = ours.lower(), theirs.lower()
    if ours == theirs:
        return True
    short, long = sorted((ours, theirs), key=len)
    if len(short) < _LEAST_NAME or len(long) != len(short) + 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at:] == long[at + 1 :] and not long[at].isdigit()


def _levels(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """White space before lines of the search text, and what the file has instead, where that is always the
    same.
    """
    found: dict[str, set[str]] = {}
    for ours, theirs in pairs:
        if ours.strip():
            found.setdefault(white(ours), set()).add(white(theirs))
    return {ours: next(iter(theirs)) for ours, theirs in found.items() if len(theirs) == 1}


def _indented(line: str, known: Mapping[str, str], shift: Shift) -> str:
    level = known.get(white(line))
    return reindent(line, shift) if level is None or not line.strip() else level + line.lstrip()
