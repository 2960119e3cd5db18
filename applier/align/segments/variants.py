"""Readings of one segment: what the alignments make of it, and what they may have missed.

An alignment pairs lines. Which unpaired lines of the window go, and where new ones stand among those that
stay, is a decision of its own; each alternative is a reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz

from ...text.definitions import header_name
from ...text.indentation import indent_of
from ...text.window import Item
from ..input import Scene
from ..render import Writer
from ..table import DELETE, Step
from .polish import Line, Polish, new_runs

MOST_PLACES = 16  # of one run of new lines
MOST_BASES = 6  # alignments of a segment in which slips are looked for
MOST_SLIPS = 5
LEAST_ALIKE = 45  # %: less like a line of the file, a line is no quotation of it
MOST = 48  # alternatives after which no further alignment is varied
_COMMENTS = ("#", "//", "/*", "*", "--", "<!--", '"""', "'''")


class Slip(NamedTuple):
    """Lines of the edit that are taken for misquoted lines of the file: how `alike` the two are, in %."""

    alike: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(slots=True)
class Reading:
    """A merged segment; `votes` are the settings that gave it, `how` what was varied, `slips` what it takes
    for careless quotation.
    """

    lines: tuple[Line, ...]
    votes: set[int] = field(default_factory=set)
    how: frozenset[str] = frozenset()
    slips: tuple[Slip, ...] = ()

    @property
    def texts(self) -> tuple[Item, ...]:
        """The merged segment."""
        return tuple([line[0] for line in self.lines])


def written(scene: Scene, writer: Writer, steps: Sequence[Step]) -> tuple[Line, ...]:
    """What an alignment writes for a segment."""
    out: list[Line] = []
    for state, row, column in writer.without_edge_blanks(steps):
        if row is not None:
            out.append(
                Line(writer.new_line(row) if column is None else writer.line(row, column), row, column)
            )
        elif state != DELETE and column is not None:
            out.append(Line(scene.items[column], None, column))
    return tuple(out)


def is_comment(text: str) -> bool:
    """Whether a stripped line is a comment."""
    return text.startswith(_COMMENTS)


class Variants:
    """All readings of a segment of `columns`; `sent` are the lines of the edit with the file's
    indentation.
    """

    def __init__(self, scene: Scene, columns: Sequence[int], polish: Polish, sent: Sequence[str]) -> None:
        self.scene, self.columns, self.polish, self._sent = scene, columns, polish, sent
        self._own = frozenset(columns)

    def of(self, bases: Sequence[tuple[tuple[Line, ...], set[int]]]) -> list[Reading]:
        found: dict[tuple[str | None, ...], Reading] = {}

        def add(
            lines: Sequence[Line], votes: set[int], how: frozenset[str], slips: tuple[Slip, ...] = ()
        ) -> None:
            one = Reading(tuple(lines), set(votes), how, slips)
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
        for lines, _ in bases[:MOST_BASES]:
            own = [
                line
                if line.row is None or (line.text or "").strip() != self._sent[line.row].strip()
                else line._replace(text=self._sent[line.row])
                for line in lines
            ]
            add(own, set(), frozenset(("own",)))
            for quoted, slips in self._quoted(lines):
                add(quoted, set(), frozenset(("slip",)), slips)
        for reading in list(found.values()):
            polished, done = self.polish(reading.lines)
            if done:
                add(polished, set(), reading.how | done, reading.slips)
        return list(found.values())

    def _quoted(self, lines: Sequence[Line]) -> Iterator[tuple[list[Line], tuple[Slip, ...]]]:
        """With lines of the file in place of lines of the edit that are like them: one run at a time, and
        all.
        """
        found = [(span, slip) for span, slip in self._runs(lines) if slip.alike >= LEAST_ALIKE][:MOST_SLIPS]
        for chosen in ([one] for one in found) if len(found) == 1 else (*([one] for one in found), found):
            out = list(lines)
            for (start, end), slip in reversed(chosen):
                out[start:end] = [Line(self.scene.items[column], None, column) for column in slip.columns]
            if chosen:
                yield out, tuple(slip for _, slip in chosen)

    def _runs(self, lines: Sequence[Line]) -> Iterator[tuple[tuple[int, int], Slip]]:
        """Every changed line, and every run of new lines, with the lines of the window that go for them."""
        if not self.columns:
            return
        have = {line.column for line in lines if line.column is not None}
        at = 0
        while at < len(lines):
            start = at
            at += 1
            if not self._differs(lines[start]):
                continue
            if lines[start].column is not None:
                columns = [lines[start].column]
            else:
                while at < len(lines) and lines[at].row is not None and lines[at].column is None:
                    at += 1
                low = next((line.column for line in reversed(lines[:start]) if line.column is not None), None)
                high = next((line.column for line in lines[at:] if line.column is not None), None)
                first = self.columns[0] if low is None else low + 1
                last = self.columns[-1] + 1 if high is None else high
                columns = [one for one in range(first, last) if one in self._own and one not in have]
            slip = self._slip([line.row for line in lines[start:at] if line.row is not None], columns)
            if slip is not None:
                yield (start, at), slip

    def _slip(self, rows: Sequence[int], columns: Sequence[int | None]) -> Slip | None:
        """What rows of the edit and columns of the window have in common, white space aside; None where one
        of them has no text.
        """
        theirs_at = tuple(column for column in columns if column is not None)
        ours = "".join("".join(self.scene.edit[row].split()) for row in rows)
        theirs = "".join("".join((self.scene.items[column] or "").split()) for column in theirs_at)
        if not ours or not theirs:
            return None
        return Slip(int(fuzz.ratio(ours, theirs)), tuple(rows), theirs_at)

    def _differs(self, line: Line) -> bool:
        if line.row is None:
            return False
        return line.column is None or self.scene.edit_texts[line.row] != self.scene.item_texts[line.column]

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
