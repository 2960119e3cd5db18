"""Readings of one segment: what the alignments make of it, and what they may have missed.

An alignment pairs lines; which unpaired lines of the window go, and where new ones stand among those that
stay, is a decision of its own. Each alternative is a reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..text.definitions import header_name
from ..text.indentation import indent_of, white
from .input import Scene
from .render import Writer
from .table import DELETE, Step

MOST_PLACES = 16
MOST = 48
COMMENTS = ("#", "//", "/*", "*", "--", "<!--", '"""', "'''")
OPENERS = ("{", "(", "[", ":", "do", "then", "=>", "->", "|")
CLOSERS = ("}", ")", "]", "end", "</")


class Line(NamedTuple):
    """A line of a reading: from `row` of the edit, from `column` of the window, or the same in both."""

    text: str | None
    row: int | None
    column: int | None


@dataclass(slots=True)
class Reading:
    lines: tuple[Line, ...]
    votes: set[int] = field(default_factory=set)
    how: frozenset[str] = frozenset()

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The merged segment."""
        return tuple([line[0] for line in self.lines])


def written(scene: Scene, writer: Writer, steps: Sequence[Step]) -> tuple[Line, ...]:
    out: list[Line] = []
    for state, row, column in writer._without_edge_blanks(steps):
        if row is None:
            if state != DELETE:
                out.append(Line(scene.items[column], None, column))
        elif column is None:
            out.append(Line(writer._lines[row], row, None))
        else:
            out.append(Line(writer._matched_line(writer._lines[row], scene.items[column], row), row, column))
    return tuple(out)


def is_comment(text: str) -> bool:
    return text.startswith(COMMENTS)


class Variants:
    """All readings of a segment of `columns` between `habits.above` and `habits.below`."""

    def __init__(self, scene: Scene, columns: Sequence[int], habits: Habits) -> None:
        self.scene, self.columns, self.habits = scene, columns, habits

    def of(self, bases: Sequence[tuple[tuple[Line, ...], set[int]]]) -> list[Reading]:
        found: dict[tuple[str | None, ...], Reading] = {}

        def add(lines: Sequence[Line], votes: set[int], how: frozenset[str]) -> None:
            one = Reading(tuple(lines), set(votes), how)
            had = found.setdefault(one.texts, one)
            if had is not one and not how:
                had.votes |= votes

        bases = sorted(bases, key=lambda base: -len(base[1]))
        for lines, votes in bases:
            add(lines, votes, frozenset())
        tried = 0
        seen: set[tuple[tuple[int | None, int | None], ...]] = set()
        for lines, _ in bases:
            for new, how in self._kept(lines):
                key = tuple((line.row, line.column) for line in new)
                if key in seen:
                    continue
                seen.add(key)
                add(new, set(), frozenset((how,)))
                tried += 1
            if tried > MOST:
                break
        for reading in list(found.values()):
            lines, how = self._polished(reading.lines)
            if how:
                add(lines, set(), reading.how | how)
        return list(found.values())

    def _kept(self, lines: Sequence[Line]) -> Iterator[tuple[list[Line], str]]:
        """With lines that are gone back in place, and new ones at other places among those that stay."""
        scene = self.scene
        have = {line.column for line in lines if line.column is not None}
        gone = [column for column in self.columns if column not in have]
        full = list(lines)
        if gone:
            full = self._with(lines, gone)
            yield full, "kept"
            comments = [c for c in gone if is_comment(scene.item_texts[c])]
            if comments and len(comments) < len(gone):
                yield self._with(lines, comments), "comments"
            blank = [c for c in gone if not scene.item_texts[c]]
            if blank and len(blank) < len(gone):
                yield self._with(lines, blank), "blanks"
        for start, end in new_runs(full):
            run = full[start:end]
            low, high = start, end
            while low and full[low - 1].row is None and full[low - 1].column is not None:
                low -= 1
            while high < len(full) and full[high].row is None and full[high].column is not None:
                high += 1
            rest = [*full[low:start], *full[end:high]]
            if not rest:
                continue
            for at in self._places(rest, run):
                moved = [*full[:low], *rest[:at], *run, *rest[at:], *full[high:]]
                if moved != full:
                    yield moved, "placed"
        rows = [line for line in full if line.row is not None]
        if rows and self.columns and any(line.column is not None for line in rows):
            new = [Line(line.text, line.row, None) for line in rows]
            kept = [Line(scene.items[c], None, c) for c in self.columns]
            if not any(line.text is None for line in kept):
                yield new, "replaced"
            for at in self._places(kept, new):
                yield [*kept[:at], *new, *kept[at:]], "beside"

    def _with(self, lines: Sequence[Line], columns: Sequence[int]) -> list[Line]:
        """The lines with columns back at their place: after the line of the window that they follow."""
        out = list(lines)
        for column in columns:
            at = next(
                (n for n, line in enumerate(out) if line.column is not None and line.column > column),
                len(out),
            )
            out.insert(at, Line(self.scene.items[column], None, column))
        return out

    def _places(self, rest: Sequence[Line], run: Sequence[Line]) -> list[int]:
        """Where a run of new lines can stand among lines that stay: beside blank lines and ends of blocks."""
        depth = next((indent_of(line.text) for line in run if line.text and line.text.strip()), 0)
        whole = any(line.text and header_name(line.text) for line in run)
        texts = [None if line.text is None else line.text.strip() for line in rest]
        depths = [indent_of(line.text) if line.text and line.text.strip() else -1 for line in rest]
        found = []
        for at in range(len(rest) + 1):
            if at in (0, len(rest)) or texts[at] is None or texts[at - 1] is None:
                found.append(at)
                continue
            above = next((d for d in reversed(depths[:at]) if d >= 0), -1)
            below = next((d for d in depths[at:] if d >= 0), -1)
            if not texts[at] or not texts[at - 1]:
                if not texts[at - 1] and not texts[at]:
                    continue
                if min(above, below) <= depth or not whole:
                    found.append(at)
            elif below < above or (len(run) <= 4 and above == below):
                found.append(at)
        if len(found) > MOST_PLACES:
            found = found[: MOST_PLACES // 2] + found[-(MOST_PLACES // 2) :]
        return found

    def _polished(self, lines: tuple[Line, ...]) -> tuple[list[Line], frozenset[str]]:
        """With the indentation of its place, blank lines as the file has them between its parts, and commas."""
        out, how = list(lines), set()
        for number in range(len(new_runs(out))):
            for step, name in ((self._indented, "indent"), (self._spaced, "blank"), (self._joined, "comma")):
                runs = new_runs(out)
                if number < len(runs):
                    changed = step(out, *runs[number])
                    if changed is not None:
                        out = changed
                        how.add(name)
        return out, frozenset(how)

    def _beside(self, lines: Sequence[Line], start: int, end: int) -> tuple[str | None, str | None]:
        """The lines of text above and below a run; None for a gap or an end."""
        above = next(
            (l.text for l in reversed(lines[:start]) if l.text is None or l.text.strip()), self.habits.above
        )
        below = next((l.text for l in lines[end:] if l.text is None or l.text.strip()), self.habits.below)
        return above, below

    def _indented(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        texts = [line.text for line in lines[start:end] if line.text and line.text.strip()]
        if not texts:
            return None
        mine = white(min(texts, key=indent_of))
        above, below = self._beside(lines, start, end)
        wanted = []
        if above:
            if above.rstrip().endswith(OPENERS):
                wanted.append(white(above) + self.habits.unit)
            elif not (below and below.strip().startswith(CLOSERS) and white(below) == white(above)):
                wanted.append(white(above))
        if below:
            if below.strip().startswith(CLOSERS):
                wanted.append(white(below) + self.habits.unit)
            elif not (above and white(above) == white(below)):
                wanted.append(white(below))
        if not wanted or mine in wanted:
            return None
        want = wanted[0] if len(wanted) == 1 or len(wanted[0]) >= len(wanted[-1]) else wanted[-1]
        out = list(lines)
        for n in range(start, end):
            text = out[n].text
            if text and text.strip() and text.startswith(mine):
                out[n] = Line(want + text[len(mine) :], out[n].row, None)
        return out

    def _spaced(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        """Blank lines around a run as between the file's own parts."""
        filled = [n for n in range(start, end) if (lines[n].text or "").strip()]
        if not filled:
            return None
        above, below = self._beside(lines, start, end)
        first, last = lines[filled[0]].text or "", lines[filled[-1]].text or ""
        count = self.habits.between(indent_of(first))
        low, high = start, end
        while low and lines[low - 1].text is not None and not lines[low - 1].text.strip():
            low -= 1
        while high < len(lines) and lines[high].text is not None and not lines[high].text.strip():
            high += 1
        whole = _is_part(first) or _ends_part(last)

        def want(had: int, beside: str | None, edge: bool) -> int:
            if not whole or beside is None:
                return had if beside is not None else had
            return 0 if edge else max(count, 1) if count else had

        head = filled[0] - low
        tail = high - 1 - filled[-1]
        opens = above is not None and (
            above.rstrip().endswith(OPENERS) and indent_of(above) < indent_of(first)
        )
        closes = below is not None and below.strip().startswith(CLOSERS)
        if not whole:
            # no blank line more than the larger of the two that meet
            head2 = min(head, max(filled[0] - start, start - low))
            tail2 = min(tail, max(end - 1 - filled[-1], high - end))
        else:
            head2 = (
                head
                if above is None and low == 0 and self.habits.above is None
                else (min(head, start - low) if opens else count)
            )
            tail2 = tail if below is None else (min(tail, high - end) if closes else count)
            if below is None and self.habits.below is None:
                tail2 = min(tail, 0)
        if (head2, tail2) == (head, tail):
            return None
        row = lines[start].row
        blank = lambda n: [Line("", row, None)] * n
        return [*lines[:low], *blank(head2), *lines[filled[0] : filled[-1] + 1], *blank(tail2), *lines[high:]]

    def _joined(self, lines: Sequence[Line], start: int, end: int) -> list[Line] | None:
        """A comma that a list needs between its entries, and none that it must not have."""
        out, changed = list(lines), False
        for at in (start, end):
            above = next((n for n in range(at - 1, -1, -1) if (out[n].text or "").strip()), None)
            below = next((line.text for line in out[at:] if (line.text or "").strip()), self.habits.below)
            if above is None or below is None:
                continue
            text, follows = (out[above].text or "").rstrip(), below.strip()
            entry = not follows.startswith(CLOSERS)
            comma = (
                any(
                    (l.text or "").rstrip().endswith("},") or (l.text or "").rstrip().endswith('",')
                    for l in out[max(0, above - 40) : above]
                )
                or self.habits.strict
            )
            if (
                entry
                and comma
                and not text.endswith((",", ";", *OPENERS))
                and indent_of(text) == indent_of(below)
            ):
                out[above] = Line(text + ",", out[above].row, out[above].column)
                changed = True
            elif not entry and text.endswith(",") and self.habits.strict:
                out[above] = Line(text[:-1], out[above].row, out[above].column)
                changed = True
        return out if changed else None


def _is_part(text: str) -> bool:
    text = text.strip()
    return bool(header_name(text)) or text.startswith(("@", "/**", "///", "#[", "[", '"""'))


def _ends_part(text: str) -> bool:
    return text.strip() in ("}", "});", "end", "};", "},", "})")


@dataclass(frozen=True, slots=True)
class Habits:
    """What a file does: `unit` of indentation, `blanks` {depth: blank lines between parts}; `above` and `below` are the lines
    beside a segment, `strict` a language without commas before closing brackets.
    """

    unit: str
    blanks: dict[int, int]
    above: str | None
    below: str | None
    strict: bool

    def between(self, depth: int) -> int:
        return self.blanks.get(depth, self.blanks.get(-1, 1))


def unit_of(lines: Sequence[str | None]) -> str:
    found: Counter[str] = Counter()
    last = ""
    for line in lines:
        if line and line.strip():
            ours = white(line)
            if len(ours) > len(last) and ours.startswith(last):
                found[ours[len(last) :]] += 1
            last = ours
    return found.most_common(1)[0][0] if found else "    "


def blanks_of(lines: Sequence[str | None]) -> dict[int, int]:
    """How many blank lines the file has before its parts, by depth; -1 for all of them."""
    votes: dict[int, Counter[int]] = {}
    run, last = 0, None
    for line in lines:
        if line is None:
            run, last = 0, None
        elif not line.strip():
            run += 1
        else:
            if (
                last is not None
                and _is_part(line)
                and not _is_part(last)
                and not last.rstrip().endswith(OPENERS)
            ):
                depth = indent_of(line)
                if indent_of(last) >= depth:
                    for key in (depth, -1):
                        votes.setdefault(key, Counter())[run] += 1
            run, last = 0, line
    return {key: found.most_common(1)[0][0] for key, found in votes.items()}


def new_runs(lines: Sequence[Line]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for n, line in enumerate(lines):
        if line.column is None:
            if runs and runs[-1][1] == n:
                runs[-1] = runs[-1][0], n + 1
            else:
                runs.append((n, n + 1))
    return runs
