"""How a file lays its parts out: the unit of its indentation and the blank lines between its definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...text.definitions import header_name
from ...text.indentation import indent_of, white
from ...text.window import Item

OPENERS = ("{", "(", "[", ":", "do", "then", "=>", "->", "|")
CLOSERS = ("}", ")", "]", "end", "</")
_BEGINNINGS = ("@", "/**", "///", "#[", "[", '"""')
_ENDS = ("}", "});", "end", "};", "},", "})")


@dataclass(frozen=True, slots=True)
class Habits:
    """`unit` of indentation; `blanks`: blank lines before a part, by its depth, -1 for parts of any depth."""

    unit: str
    blanks: Mapping[int, int]

    @staticmethod
    def of(items: Sequence[Item]) -> Habits:
        """Those of a window."""
        return Habits(_unit(items), _blanks(items))

    def between(self, depth: int) -> int:
        """Blank lines before a part of some depth."""
        return self.blanks.get(depth, self.blanks.get(-1, 1))


def begins_part(line: str) -> bool:
    """Whether a line is the head of a definition, or a decorator or comment above one."""
    text = line.strip()
    return bool(header_name(text)) or text.startswith(_BEGINNINGS)


def ends_part(line: str) -> bool:
    """Whether a line closes a definition."""
    return line.strip() in _ENDS


def _unit(items: Sequence[Item]) -> str:
    found: Counter[str] = Counter()
    last = ""
    for line in items:
        if line and line.strip():
            ours = white(line)
            if len(ours) > len(last) and ours.startswith(last):
                found[ours[len(last) :]] += 1
            last = ours
    return found.most_common(1)[0][0] if found else "    "


def _blanks(items: Sequence[Item]) -> dict[int, int]:
    votes: dict[int, Counter[int]] = {}
    run, last = 0, None
    for line in items:
        if line is None:
            run, last = 0, None
        elif not line.strip():
            run += 1
        else:
            depth = indent_of(line)
            opened = last is None or last.rstrip().endswith(OPENERS) or indent_of(last) < depth
            if last is not None and not opened and begins_part(line) and not begins_part(last):
                for key in (depth, -1):
                    votes.setdefault(key, Counter())[run] += 1
            run, last = 0, line
    return {key: found.most_common(1)[0][0] for key, found in votes.items()}
