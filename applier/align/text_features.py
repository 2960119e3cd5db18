"""What the merged text itself says for and against a reading, whatever its steps were.

A merge that is right leaves few traces of having been one: brackets stay balanced, no line comes twice that
came once, and nearly every two neighbours of the result are neighbours in the window or in the edit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from operator import and_

from ..text.definitions import header_name
from ..text.indentation import indent_of
from ..text.line_cache import letters, of_line
from ..text.line_diff import same_ends
from ..text.window import GAP, Item
from .input import Scene
from .step_features import WORDS, Evidence

_BLOCK_OPENERS = ("{", ":", "(", "[")
_OPENERS = (
    *_BLOCK_OPENERS,
    *(",", "=", "\\", "do", "then", "=>", "->", "|", ">", "&&", "||", "+", "."),
)
_CLOSERS = (
    *("}", ")", "]", "</", "end", "else", "elif", "except", "finally", "case", "default", "catch"),
    *("fi", "done"),
)
_PAIRS = ("()", "[]", "{}")


class Traces:
    """Compares merged windows with what the window and the edit hold.

    A merged window is mostly the window: what stays before its first and after its last change leaves no
    trace, and only what lies between is looked at.
    """

    def __init__(self, scene: Scene) -> None:
        self._items, self._shown = list(scene.items), scene.shown
        self._window = _Counts(Counter(line for line in self._items if line is not GAP))
        self._edit = _Counts(Counter(line for line in self._shown if line is not GAP))
        self._indented = {item.rstrip() for item in self._items if item is not GAP}
        self._pairs = {pair for side in (self._items, self._shown) for pair in _neighbours(side)}
        self._loose_pairs = {(a.strip(), b.strip()) for a, b in self._pairs}
        self._blank_runs = _blank_runs(self._shown)

    def of(self, merged: Sequence[Item]) -> Evidence:
        """`unbalanced` brackets; `doubled` lines and `doubled_names` of definitions; `lost` lines, which
        window and edit have, and those that they have with an indentation that is gone (`displaced`); lines
        of the window with another indentation (`reindented`); top-level definitions that come twice, word for
        word (`doubled_heads`); `seams` between lines that were no neighbours, those between lines that are
        equal (`stutters`) or whose indentation does not follow (`bad_seams`); new `blank_runs`; `idle`, when
        nothing changes; whether the first change is one of indentation alone (`first_reindented`).
        """
        items, window, edit = self._items, self._window, self._edit
        above, below = same_ends(items, merged)
        gone, new = items[above : len(items) - below], merged[above : len(merged) - below]
        found: Evidence = defaultdict(int)
        more: Counter[str] = Counter()  # of each line than the window has; less than 0 for fewer
        for ours, theirs in zip(_runs(new), _runs(gone), strict=True):
            if ours == theirs:
                continue
            here = _difference(ours, theirs)
            found["unbalanced"] += sum(map(abs, _balance(here)))
            more.update(here)
        changed = _Counts(more)
        for text, count in changed.texts.items():
            if letters(text) >= WORDS:
                had, shown = window.texts.get(text, 0), edit.texts.get(text, 0)
                found["doubled"] += max(0, had + count - max(had, shown))
                found["lost"] += max(0, min(had, shown) - (had + count))
        for line, count in more.items():
            if letters(line):
                had, shown = window.lines.get(line, 0), edit.lines.get(line, 0)
                found["displaced"] += max(0, min(had, shown) - (had + count))
            if line not in window.lines and line.rstrip() not in self._indented:
                found["reindented"] += count if line.strip() in window.texts and line.strip() else 0
        for name, count in changed.names.items():
            found["doubled_names"] += max(
                0, count + min(0, window.names.get(name, 0) - edit.names.get(name, 0))
            )
        for head, count in changed.heads.items():
            found["doubled_heads"] += max(
                0, count + min(0, window.heads.get(head, 0) - edit.heads.get(head, 0))
            )
        found["idle"] = not gone and not new
        if above < min(len(items), len(merged)):
            found["first_reindented"] = _only_indented(items[above], merged[above])
        first, last = _text_before(items, above), _text_after(items, len(items) - below)
        beside = _neighbours([*first, *new, *last])
        for pair in beside if not self._pairs.issuperset(beside) else ():
            if pair not in self._pairs and (pair[0].strip(), pair[1].strip()) not in self._loose_pairs:
                found["seams"] += 1
                found["stutters"] += pair[0].strip() == pair[1].strip() and letters(pair[0]) > 0
                found["bad_seams"] += _bad_seam(*pair)
        edge, end = items[max(0, above - 1) : above], items[len(items) - below :][:1]
        runs = _blank_runs([*edge, *new, *end]) - _blank_runs([*edge, *gone, *end])
        found["blank_runs"] = max(0, runs - self._blank_runs)
        return found


class _Counts:
    """How often `lines` stand in some text; the same without white space around them (`texts`), `names` that
    they define, and `heads` that define one at the top level.
    """

    def __init__(self, lines: Counter[str]) -> None:
        self.lines = lines
        self.texts: dict[str, int] = defaultdict(int)
        self.names: dict[str, int] = defaultdict(int)
        self.heads: dict[str, int] = defaultdict(int)
        for line, count in lines.items():
            self.texts[line.strip()] += count
            if name := header_name(line):
                self.names[name] += count
                if line[:1].strip():
                    self.heads[line.rstrip()] += count


def _runs(lines: Sequence[Item]) -> list[list[str]]:
    """The lines between gaps."""
    runs: list[list[str]] = [[]]
    for line in lines:
        if line is GAP:
            runs.append([])
        else:
            runs[-1].append(line)
    return runs


def _difference(ours: Sequence[str], theirs: Sequence[str]) -> Counter[str]:
    """How much more often a line stands on one side than on the other, but for lines that do so equally."""
    more, fewer = Counter(ours), Counter(theirs)
    found = {line: by for line, count in more.items() if (by := count - fewer.get(line, 0))}
    found.update({line: -count for line, count in fewer.items() if line not in more})
    return Counter(found)


def _text_before(items: Sequence[Item], end: int) -> Sequence[Item]:
    """The last line of text, or gap, before a place, if there is one."""
    at = next((at for at in range(end - 1, -1, -1) if items[at] is GAP or (items[at] or "").strip()), None)
    return () if at is None else items[at : at + 1]


def _text_after(items: Sequence[Item], start: int) -> Sequence[Item]:
    """The first line of text, or gap, from a place on."""
    at = next((at for at in range(start, len(items)) if items[at] is GAP or (items[at] or "").strip()), None)
    return () if at is None else items[at : at + 1]


def _only_indented(theirs: Item, ours: Item) -> bool:
    """Whether two lines that differ are the same but for white space."""
    return theirs is not GAP and ours is not GAP and theirs.strip() == ours.strip() != ""


def _neighbours(lines: Sequence[Item]) -> list[tuple[str, str]]:
    """Lines of text and the next one of each, blank lines aside, without those at a gap."""
    texts = [text for line in lines if (text := line if line is GAP else line.rstrip()) != ""]
    return [(a, b) for a, b in pairwise(texts) if a is not GAP and b is not GAP]


def _balance(lines: Counter[str]) -> list[int]:
    """For every kind of bracket, how many are left open."""
    out = [0] * len(_PAIRS)
    for line, count in lines.items():
        for kind, left_open in enumerate(_left_open(line)):
            out[kind] += count * left_open
    return out


@of_line
def _left_open(line: str) -> tuple[int, ...]:
    """How many brackets of each kind a line opens and does not close; less than 0 where it closes more."""
    return tuple(line.count(pair[0]) - line.count(pair[1]) for pair in _PAIRS)


def _bad_seam(above: str, below: str) -> bool:
    """Whether the second line is deeper for no reason, or should be and is not."""
    if indent_of(below) > indent_of(above):
        return not above.endswith(_OPENERS)
    return above.endswith(_BLOCK_OPENERS) and not below.strip().startswith(_CLOSERS)


def _blank_runs(lines: Sequence[Item]) -> int:
    """Blank lines that follow another."""
    blank = [line is not GAP and not line.strip() for line in lines]
    return sum(map(and_, blank, blank[1:]))
