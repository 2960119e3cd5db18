"""What a part of an edit states about its place besides its lines: anchors and line numbers.

An anchor binds: a place outside of what it opens contradicts the edit, even when the old lines stand nowhere
else. The heading behind the numbers of a unified diff is what stood above the hunk, no more, and its numbers
may be off by some lines: they decide between twins only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..parse.parts import Part
from ..syntax.line_match import folded
from ..syntax.scopes import scopes
from ..text.indentation import indent_of
from ..text.source_text import SourceText
from ..types import LineRange, Refusal, RefusalReason

_MAX_PARSED = 1 << 20
_FAR = 40  # lines by which a stated number may be off
_CLEARLY = 3  # times as far as the nearest place, the next one has to be

Region = tuple[int, int]  # 0-based: the line of the anchor, the line after what it opens


class Stated:
    """What one part states. Raises nothing; `refusal` says that an anchor is not there."""

    def __init__(self, source: SourceText, part: Part, language: str | None) -> None:
        self.source, self.part, self.language = source, part, language
        self.refusal: Refusal | None = None
        self.regions: list[Region] | None = None
        if part.scopes and not part.section:
            self._resolve()

    def _resolve(self) -> None:
        regions: list[Region] = [(-1, self.source.line_count)]
        for header in self.part.scopes:
            inner = [
                (row, min(scope_end(self.source, row, self.language), end))
                for start, end in regions
                for row in named_rows(self.source, header, start + 1, end)
            ]
            if not inner:
                within = "" if regions[0][0] < 0 else " inside of the anchor before it"
                self.refusal = Refusal(
                    RefusalReason.NO_MATCH,
                    f"The {self.part.what} at line {self.part.line} of the edit is anchored at {header!r}, "
                    f"which does not stand in the file{within}. Copy the anchor from the file, or leave it "
                    "out and show more unchanged lines.",
                    (),
                    self.part.line,
                )
                return
            regions = inner
        self.regions = regions

    def allows(self, first: int, last: int) -> bool:
        """Whether lines `first` to `last` (inclusive) may be the place: within what an anchor opens or
        touching it; below an anchor that opens nothing.
        """
        if self.regions is None:
            return self._below_section(first)
        return any(
            first >= start if end == start + 1 else first <= self._past_blanks(end) and last >= start
            for start, end in self.regions
        )

    def _past_blanks(self, row: int) -> int:
        lines = self.source.lines
        return next((at for at in range(row, len(lines)) if lines[at].strip()), len(lines))

    def _below_section(self, first: int) -> bool:
        part = self.part
        if not part.scopes or not part.section:
            return True
        rows = named_rows(self.source, part.scopes[-1], 0, self.source.line_count)
        return not rows or rows[0] <= first + len(part.old)

    def contradiction(self, places: Sequence[LineRange]) -> Refusal:
        """The refusal of places that the anchors do not allow."""
        part, header = self.part, self.part.scopes[-1]
        lines = ", ".join(str(place.start) for place in places[:8])
        rows = [start for start, _ in self.regions or ()]
        rows = rows or named_rows(self.source, header, 0, self.source.line_count)
        at = ", ".join(str(row + 1) for row in rows[:8])
        return Refusal(
            RefusalReason.CONTRADICTORY_EDIT,
            f"The {part.what} at line {part.line} of the edit is anchored at {header!r} (line {at}), but its "
            f"old lines stand at line {lines}, outside of that. Correct the anchor or the old lines.",
            tuple(places),
            part.line,
        )

    def choose(self, options: Sequence[int]) -> int | None:
        """The one of several places of the first old line that a number, the end of the file or a heading
        tells; None where they tell none.
        """
        part, source = self.part, self.source
        if part.start_hint in options:
            return part.start_hint
        ends = [line for line in options if part.at_end and line + len(part.old) == source.line_count]
        if len(ends) == 1:
            return ends[0]
        if part.section and part.scopes:
            rows = named_rows(source, part.scopes[-1], 0, source.line_count)
            if len(rows) == 1:
                end = scope_end(source, rows[0], self.language)
                inside = [line for line in options if rows[0] <= line < end]
                if len(inside) == 1:
                    return inside[0]
        return self._nearest(options)

    def _nearest(self, options: Sequence[int]) -> int | None:
        """The place near the stated line, where every other one is much further off."""
        hint = self.part.start_hint
        if hint is None or not options:
            return None
        by_distance = sorted(options, key=lambda line: abs(line - hint))
        nearest = abs(by_distance[0] - hint)
        if nearest > _FAR or (len(options) > 1 and abs(by_distance[1] - hint) < _CLEARLY * nearest + 2):
            return None
        return by_distance[0]

    def insertion(self) -> int | Refusal:
        """The line before which the new lines of a part without old ones go."""
        part, source = self.part, self.source
        if part.insert_at is not None and part.insert_at <= source.line_count:
            return part.insert_at
        if self.refusal is not None:
            return self.refusal
        if self.regions is None or len(self.regions) != 1:
            what = "has no old line to find its place by, and the file is not empty"
            if self.regions:
                rows = ", ".join(str(start + 1) for start, _ in self.regions[:8])
                what = f"has no old line, and its anchor {part.scopes[-1]!r} stands at lines {rows}"
            return Refusal(
                RefusalReason.AMBIGUOUS_MATCH if self.regions else RefusalReason.NO_MATCH,
                f"The {part.what} at line {part.line} of the edit {what}. Add the lines around the change.",
                tuple(LineRange(start + 1, end) for start, end in self.regions or ())[:8],
                part.line,
            )
        row = self.regions[0][0]
        if source.lines[row].rstrip().endswith(("(", ",", "[", "\\")):
            return Refusal(
                RefusalReason.NO_MATCH,
                f"The {part.what} at line {part.line} of the edit has no old line, and its anchor "
                f"{part.scopes[-1]!r} goes on below line {row + 1}. Add the lines around the change.",
                (LineRange(row + 1, row + 1),),
                part.line,
            )
        return row + 1


def named_rows(source: SourceText, header: str, start: int, end: int) -> list[int]:
    """The lines of a range that an anchor names: equal, else beginning with it, else equal but for looks."""
    text = header.strip()
    lines = source.lines
    rows = [row for row in lines.rows(text) if start <= row < end]
    if rows or not text:
        return rows
    texts = lines.texts
    rows = [row for row in range(start, end) if _begins(texts[row], text)]
    if rows:
        return rows
    wanted = folded(text)
    return [row for row in range(start, end) if texts[row] and folded(texts[row]) == wanted]


def _begins(line: str, text: str) -> bool:
    """Whether a line begins with a text that ends where a word of the line ends."""
    if not line.startswith(text):
        return False
    after = line[len(text) : len(text) + 1]
    return not (text[-1].isalnum() or text[-1] == "_") or not (after.isalnum() or after == "_")


def scope_end(source: SourceText, header: int, language: str | None) -> int:
    """The line after what `header` opens: a section by its kind, else by syntax or indentation."""
    lines = source.lines
    text = lines[header].strip()
    if text.startswith("[") and text.endswith("]"):
        return next((i for i in range(header + 1, len(lines)) if lines[i].startswith("[")), len(lines))
    level = len(text) - len(text.lstrip("#"))
    if language == "markdown" and level and text[level : level + 1] == " ":
        return next(
            (i for i in range(header + 1, len(lines)) if 0 < _heading_level(lines[i]) <= level), len(lines)
        )
    ends = [
        scope.end_line
        for scope in (scopes(source.body, language) if len(source.body) <= _MAX_PARSED else [])
        if scope.start_line <= header + 1 <= scope.end_line
        and all(line.strip().startswith(("@", "[", "#[")) for line in lines[scope.start_line - 1 : header])
    ]
    if ends:
        return min(ends)
    indent = indent_of(lines[header])
    for i in range(header + 1, len(lines)):
        if lines[i].strip() and indent_of(lines[i]) <= indent:
            closes = lines[i].strip()[0] in ")]}" and indent_of(lines[i]) == indent and i > header + 1
            return i + 1 if closes else i
    return len(lines)


def _heading_level(line: str) -> int:
    level = len(line) - len(line.lstrip("#"))
    return level if line[level : level + 1] == " " else 0
