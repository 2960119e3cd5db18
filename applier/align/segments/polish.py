"""A reading with its new lines fitted to their place: indentation, blank lines between parts, commas in
lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...text.indentation import indent_of, white
from ...text.window import Item
from .habits import CLOSERS, OPENERS, Habits, begins_part, ends_part


class Line(NamedTuple):
    """A line of a reading: from `row` of the edit, from `column` of the window, or the same in both."""

    text: Item
    row: int | None
    column: int | None


def new_runs(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """Half-open runs of lines that the window does not have."""
    runs: list[tuple[int, int]] = []
    for at, line in enumerate(lines):
        if line[2] is None:
            if runs and runs[-1][1] == at:
                runs[-1] = runs[-1][0], at + 1
            else:
                runs.append((at, at + 1))
    return runs


class Polish:
    """Fits the new lines of a segment. `above` and `below` are the lines beside it, None at an end of the
    window; `strict` says that the language has no comma before a closing bracket.
    """

    def __init__(self, habits: Habits, above: Item, below: Item, strict: bool) -> None:
        self._habits, self._above, self._below, self._strict = habits, above, below, strict

    def __call__(self, lines: Sequence[Line]) -> tuple[list[Line], frozenset[str]]:
        """The fitted lines, and what was done: `indent`, `blank`, `comma`."""
        out, done = list(lines), set()
        for number in range(len(new_runs(out))):
            for step, name in ((self._indented, "indent"), (self._spaced, "blank"), (self._joined, "comma")):
                runs = new_runs(out)
                if number < len(runs) and (changed := step(out, *runs[number])) is not None:
                    out = changed
                    done.add(name)
        return out, frozenset(done)

    def _beside(self, lines: Sequence[Line], start: int, end: int) -> tuple[Item, Item]:
        """The lines of text above and below a run; None for a gap or an end."""
        before = [self._above, *(line.text for line in lines[:start])]
        after = [*(line.text for line in lines[end:]), self._below]
        above = next((text for text in reversed(before) if text is None or text.strip()), None)
        below = next((text for text in after if text is None or text.strip()), None)
        return above, below

    def _indented(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        texts = [line.text for line in lines[start:end] if line.text and line.text.strip()]
        if not texts:
            return None
        ours = white(min(texts, key=indent_of))
        above, below = self._beside(lines, start, end)
        closes = below is not None and below.strip().startswith(CLOSERS)
        level = above is not None and below is not None and white(above) == white(below)
        wanted = []
        if above and above.rstrip().endswith(OPENERS):
            wanted.append(white(above) + self._habits.unit)
        elif above and begins_part(texts[0]):
            wanted.append(self._level_of_parts([line.text for line in lines[:start]], above))
        elif above and not (closes and level):
            wanted.append(white(above))
        if below and closes:
            wanted.append(white(below) + self._habits.unit)
        elif below and not level:
            wanted.append(white(below))
        if not wanted or ours in wanted:
            return None
        want = max(wanted, key=len)
        return [
            line._replace(text=want + line.text[len(ours) :])
            if start <= at < end and line.text and line.text.strip() and line.text.startswith(ours)
            else line
            for at, line in enumerate(lines)
        ]

    @staticmethod
    def _level_of_parts(before: Sequence[Item], above: str) -> str:
        """The white space of the last part that begins before a place, else that of the line above it."""
        heads = (text for text in reversed(before) if text and begins_part(text))
        return white(next(heads, above))

    def _spaced(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        """Blank lines around a part as between the file's own; around other lines, no more than one side
        has.
        """
        filled = [at for at in range(start, end) if (lines[at].text or "").strip()]
        if not filled:
            return None
        low, high = start, end
        while low and _is_blank(lines[low - 1].text):
            low -= 1
        while high < len(lines) and _is_blank(lines[high].text):
            high += 1
        first, last = lines[filled[0]].text or "", lines[filled[-1]].text or ""
        head, tail = filled[0] - low, high - 1 - filled[-1]
        if begins_part(first) or ends_part(last):
            wanted = self._between(lines, (start, end), (low, high), first)
        else:
            wanted = (
                min(head, max(filled[0] - start, start - low)),
                min(tail, max(end - 1 - filled[-1], high - end)),
            )
        if wanted == (head, tail):
            return None
        blank = Line("", lines[start].row, None)
        part = lines[filled[0] : filled[-1] + 1]
        return [*lines[:low], *[blank] * wanted[0], *part, *[blank] * wanted[1], *lines[high:]]

    def _between(
        self, lines: Sequence[Line], run: tuple[int, int], around: tuple[int, int], first: str
    ) -> tuple[int, int]:
        """How many blank lines belong before and after a part: `around` is its run with those beside it."""
        (start, end), (low, high) = run, around
        above, below = self._beside(lines, start, end)
        count = self._habits.between(indent_of(first))
        filled = [at for at in range(low, high) if (lines[at].text or "").strip()]
        head, tail = filled[0] - low, high - 1 - filled[-1]
        opens = above is not None and above.rstrip().endswith(OPENERS) and indent_of(above) < indent_of(first)
        closes = below is not None and below.strip().startswith(CLOSERS)
        if above is None and low == 0 and self._above is None:
            before = head
        else:
            before = min(head, start - low) if opens else count
        if below is None:
            after = 0 if self._below is None else tail
        else:
            after = min(tail, high - end) if closes else count
        return before, after

    def _joined(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        """A comma that a list needs between its entries, and none that it must not have."""
        out, changed = list(lines), False
        for at in (start, end):
            last = next((n for n in range(at - 1, -1, -1) if (out[n].text or "").strip()), None)
            below = next((line.text for line in out[at:] if (line.text or "").strip()), self._below)
            if last is None or below is None:
                continue
            text = (out[last].text or "").rstrip()
            if not below.strip().startswith(CLOSERS):
                ended = text.endswith((",", ";", *OPENERS))
                if not ended and indent_of(text) == indent_of(below) and self._is_list(out[:last]):
                    out[last] = out[last]._replace(text=text + ",")
                    changed = True
            elif text.endswith(",") and self._strict:
                out[last] = out[last]._replace(text=text[:-1])
                changed = True
        return out if changed else None

    def _is_list(self, lines: Sequence[Line]) -> bool:
        near = [(line.text or "").rstrip() for line in lines[-40:]]
        return self._strict or any(text.endswith(("},", '",')) for text in near)


def _is_blank(text: Item) -> bool:
    return text is not None and not text.strip()
