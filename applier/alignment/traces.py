"""What the merged text itself says for and against a reading, whatever its steps were.

A merge that is right leaves few traces of having been one: brackets stay balanced, no line comes twice that
came once, and nearly every two neighbours of the result are neighbours in the window or in the edit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from ..anchors import header_name, indent_of
from ..line_facts import of_line
from ..window import GAP, Item
from .evidence import WORDS, letters
from .scene import Scene

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
    """Compares merged windows with what the window and the edit hold."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @cached_property
    def _window_lines(self) -> Counter[str]:
        return _lines(self.scene.items)

    @cached_property
    def _edit_lines(self) -> Counter[str]:
        return _lines(self.scene.shown)

    @cached_property
    def _indented(self) -> set[str]:
        return {item.rstrip() for item in self.scene.items if item is not GAP}

    @cached_property
    def _exact(self) -> Counter[str]:
        """Lines with letters that window and edit have with the same indentation."""
        sides = (self.scene.items, self.scene.shown)
        ours, theirs = (Counter(line for line in side if line is not GAP and letters(line)) for side in sides)
        return ours & theirs

    @cached_property
    def _names(self) -> Counter[str]:
        return _names(self.scene.items) | _names(self.scene.shown)

    @cached_property
    def _heads(self) -> Counter[str]:
        return _heads(self.scene.items) | _heads(self.scene.shown)

    @cached_property
    def _neighbours(self) -> set[tuple[str, str]]:
        sides = (self.scene.items, self.scene.shown)
        return {(a.strip(), b.strip()) for side in sides for a, b in _neighbours(side)}

    @cached_property
    def _balance(self) -> list[int]:
        return _balance(self.scene.items)

    @cached_property
    def _blank_runs(self) -> int:
        return _blank_runs(self.scene.items) + _blank_runs(self.scene.shown)

    def of(self, merged: Sequence[Item]) -> Counter[str]:
        """`unbalanced` brackets; `doubled` lines and `doubled_names` of definitions; `lost` lines, which
        window and edit have, and those that they have with an indentation that is gone (`displaced`); lines
        of the window with another indentation (`reindented`); top-level definitions that come twice, word for
        word (`doubled_heads`); `seams` between lines that were no neighbours, those between lines that are
        equal (`stutters`) or whose indentation does not follow (`bad_seams`); new `blank_runs`; `idle`, when
        nothing changes; whether the first change is one of indentation alone (`first_reindented`).
        """
        found: Counter[str] = Counter()
        balance = zip(_balance(merged), self._balance, strict=True)
        found["unbalanced"] = sum(abs(ours - theirs) for ours, theirs in balance)
        lines = _lines(merged)
        for text, count in lines.items():
            if letters(text) >= WORDS:
                found["doubled"] += max(0, count - max(self._window_lines[text], self._edit_lines[text]))
        for text, count in self._edit_lines.items():
            if letters(text) >= WORDS:
                found["lost"] += max(0, min(count, self._window_lines[text]) - lines[text])
        found["reindented"] = sum(
            line.strip() in self._window_lines and line.rstrip() not in self._indented
            for line in merged
            if line is not GAP and line.strip()
        )
        exact = Counter(line for line in merged if line is not GAP and letters(line))
        found["displaced"] = (self._exact - exact).total()
        found["idle"] = list(merged) == list(self.scene.items)
        found["first_reindented"] = _only_indented(self.scene.items, merged)
        found["doubled_heads"] = (_heads(merged) - self._heads).total()
        found["doubled_names"] = (_names(merged) - self._names).total()
        for above, below in _neighbours(merged):
            if (above.strip(), below.strip()) not in self._neighbours:
                found["seams"] += 1
                found["stutters"] += above.strip() == below.strip() and letters(above) > 0
                found["bad_seams"] += _bad_seam(above, below)
        found["blank_runs"] = max(0, _blank_runs(merged) - self._blank_runs)
        return found


def _only_indented(items: Sequence[Item], merged: Sequence[Item]) -> bool:
    """Whether the first lines that differ are the same but for white space."""
    for theirs, ours in zip(items, merged, strict=False):
        if theirs != ours:
            return theirs is not GAP and ours is not GAP and theirs.strip() == ours.strip() != ""
    return False


def _lines(lines: Iterable[Item]) -> Counter[str]:
    return Counter(line.strip() for line in lines if line is not GAP)


def _names(lines: Iterable[Item]) -> Counter[str]:
    return Counter(name for line in lines if line is not GAP and (name := header_name(line)))


def _heads(lines: Iterable[Item]) -> Counter[str]:
    """Lines that define a name at the top level."""
    return Counter(
        line.rstrip() for line in lines if line is not GAP and line[:1].strip() and header_name(line)
    )


def _neighbours(lines: Sequence[Item]) -> list[tuple[str, str]]:
    """Lines of text and the next one of each, blank lines aside, without those at a gap."""
    texts = [line if line is GAP else line.rstrip() for line in lines if line is GAP or line.strip()]
    return [(a, b) for a, b in pairwise(texts) if a is not GAP and b is not GAP]


def _balance(lines: Sequence[Item]) -> list[int]:
    """For every run between gaps and every kind of bracket, how many are left open."""
    out = [0] * len(_PAIRS)
    for line in lines:
        if line is GAP:
            out += [0] * len(_PAIRS)
            continue
        for kind, left_open in enumerate(_left_open(line)):
            out[kind - len(_PAIRS)] += left_open
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
    return sum(a is not GAP and b is not GAP and not a.strip() and not b.strip() for a, b in pairwise(lines))
