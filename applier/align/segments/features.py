"""What speaks for and against a reading of a segment: integers by name, which `ranker` weighs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz

from ...text.definitions import header_name
from ...text.indentation import indent_of
from ...text.line_cache import letters, of_line
from ..input import Scene
from .habits import CLOSERS, OPENERS
from .polish import Line, new_runs
from .variants import Reading, Slip, is_comment

FAMILIES: Mapping[str, int] = {
    "python": 1,
    "json": 3,
    "yaml": 4,
    "toml": 4,
    "markdown": 5,
    "css": 6,
    "html": 7,
    "xml": 7,
    "vue": 7,
    "svelte": 7,
    "ruby": 8,
    "sql": 9,
    "bash": 9,
}
BRACES = 2  # the family of every other language
HOWS = (
    "kept",
    "comments",
    "blanks",
    "placed",
    "replaced",
    "beside",
    "slip",
    "own",
    "indent",
    "blank",
    "comma",
)
WORDS = 6  # letters from which a line is more than brackets and keywords
MANY = 200  # more lines than these say nothing new
NOWHERE = -99
_PLACE = (
    *("scope", "scope_end", "scope_start", "sorted", "above_same", "below_same", "is_unit"),
    *("marker_above", "marker_below", "blank_above", "blank_below"),
)
_GOES_ON = (*OPENERS, ",", "=", "\\", "&&", "||", "+", ".", ">")
_ENDS = ("}", "});", "end", "};")

Values = dict[str, int]


@dataclass(frozen=True)
class Segment:
    """Rows of the edit and columns of the window between two pivots. `above` and `below` are the lines
    written at the pivots, None at an end of the window.
    """

    number: int
    count: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    above: str | None
    below: str | None
    pivot_above: bool
    pivot_below: bool


@of_line
def left_open(line: str) -> tuple[int, int, int]:
    """How many brackets of each kind a line opens and does not close; less than 0 where it closes more."""
    round_, square = line.count("(") - line.count(")"), line.count("[") - line.count("]")
    return round_, square, line.count("{") - line.count("}")


class Features:
    """Of all readings of one edit. `settings` is the number of settings whose votes are not held to names."""

    def __init__(self, scene: Scene, language: str | None, settings: int) -> None:
        self._scene, self._settings = scene, settings
        self._family = FAMILIES.get(language or "", BRACES if language else 0)
        self._chunks = 1 + sum(scene.elides[1:])
        self._names = Counter(name for text in scene.item_texts if text and (name := header_name(text)))

    def of(self, segment: Segment, reading: Reading) -> Values:
        """The features of one reading of a segment."""
        have = {line.column for line in reading.lines if line.column is not None}
        gone = [column for column in segment.columns if column not in have]
        return {
            **self._of_segment(segment),
            **self._gone(gone),
            **self._new(reading.lines, gone),
            **self._matched(reading.lines),
            **self._kept(segment, reading.lines),
            "unbalanced": self._unbalanced(reading.lines, gone),
            **self._slips(segment, reading.slips),
            **self._joins(segment, reading.lines),
            **self._place(segment, reading.lines),
            "votes": sum(vote < self._settings for vote in reading.votes),
            "votes_named": sum(vote >= self._settings for vote in reading.votes),
            "default": int(0 in reading.votes),
            **{"how_" + how: int(how in reading.how) for how in HOWS},
        }

    def _of_segment(self, segment: Segment) -> Values:
        scene = self._scene
        markers = sum(scene.elides[row] for row in segment.rows)
        return {
            "family": self._family,
            "rows": min(len(segment.rows) - markers, MANY),
            "cols": min(len(segment.columns), MANY),
            "markers": min(markers, 5),
            "silent": sum(scene.silent[row] for row in segment.rows),
            "first": int(segment.number == 0),
            "last": int(segment.number == segment.count - 1),
            "chunks": min(self._chunks, 9),
            "edit": len(scene.edit).bit_length(),
            "window": len(scene.items).bit_length(),
            "pivot_above": int(segment.pivot_above),
            "pivot_below": int(segment.pivot_below),
        }

    def _gone(self, gone: Sequence[int]) -> Values:
        """Lines of the window that the reading removes."""
        scene = self._scene
        texts = [scene.item_texts[column] for column in gone]
        filled = [text for text in texts if text]
        names = [name for text in filled if (name := header_name(text))]
        longest = runs = size = 0
        last = None
        for column, text in zip(gone, texts, strict=True):
            if last is None or column != last + 1:
                runs, size = runs + 1, 0
            size += bool(text)
            longest, last = max(longest, size), column
        return {
            "gone": min(len(filled), MANY),
            "gone_blank": min(len(texts) - len(filled), 50),
            "gone_comment": sum(map(is_comment, filled)),
            "gone_heads": len(names),
            "gone_heads_lost": sum(name not in scene.shown_names for name in names),
            "gone_shown": sum(letters(text) >= WORDS and scene.shown_counts[text] > 0 for text in filled),
            "gone_runs": runs,
            "gone_longest": min(longest, MANY),
        }

    def _new(self, lines: Sequence[Line], gone: Sequence[int]) -> Values:
        """Lines that only the edit has, by the reading."""
        scene = self._scene
        texts = [(line.text or "").strip() for line in lines if line.column is None]
        filled = [text for text in texts if text]
        gone_texts = Counter(scene.item_texts[column] for column in gone)
        gone_names = Counter(name for text in gone_texts.elements() if text and (name := header_name(text)))
        names = [name for line in lines if line.column is None and (name := header_name(line.text or ""))]
        return {
            "new": len(filled),
            "new_blank": len(texts) - len(filled),
            "new_comment": sum(map(is_comment, texts)),
            "new_heads": len(names),
            "doubled_names": sum(self._names[name] > gone_names[name] for name in names),
            "new_known": sum(scene.counts[text] > 0 and letters(text) >= WORDS for text in filled),
            "new_gone": sum(gone_texts[text] > 0 for text in filled),
        }

    def _matched(self, lines: Sequence[Line]) -> Values:
        """Lines that edit and window share, the same or changed."""
        scene = self._scene
        found = dict.fromkeys(
            ("changed", "unlike", "worst", "renamed", "headed", "same", "signs", "blanks", "white"), 0
        )
        for line in lines:
            if line.row is None or line.column is None:
                continue
            ours, theirs = scene.edit_texts[line.row], scene.item_texts[line.column]
            if ours == theirs:
                count = letters(ours)
                found["same"] += min(count, 48)
                found["signs"] += bool(ours) and not count
                found["blanks"] += not ours
                found["white"] += bool(ours) and scene.items[line.column] != line.text
            else:
                unlike = 100 - int(fuzz.ratio(ours, theirs))
                before, after = header_name(theirs), header_name(ours)
                found["changed"] += 1
                found["unlike"] += unlike
                found["worst"] = max(found["worst"], unlike)
                found["renamed"] += bool(before and after and before != after)
                found["headed"] += bool(before and before == after)
        found["unlike"] //= 10
        found["same"] //= 4
        return found

    def _slips(self, segment: Segment, slips: Sequence[Slip]) -> Values:
        """Lines of the edit that are taken for misquoted ones of the file: how alike the least of them is,
        whether letters alone make them equal, how near they are to the ends of a chunk, and what else
        changes.
        """
        scene = self._scene
        rows = [row for slip in slips for row in slip.rows]
        pairs = [
            (
                "".join(filter(str.isalnum, "".join(scene.edit[row] for row in slip.rows))),
                "".join(filter(str.isalnum, "".join(scene.items[column] or "" for column in slip.columns))),
            )
            for slip in slips
        ]
        outer = scene.outer_rows()
        return {
            "slips": len(slips),
            "slip_rows": len(rows),
            "slip_alike": min((slip.alike for slip in slips), default=NOWHERE),
            "slip_letters": sum(ours == theirs for ours, theirs in pairs),
            "slip_longer": sum(len(ours) > len(theirs) for ours, theirs in pairs),
            "slip_shorter": sum(len(ours) < len(theirs) for ours, theirs in pairs),
            "slip_uneven": sum(len(slip.rows) != len(slip.columns) for slip in slips),
            "slip_comment": sum(is_comment(scene.edit_texts[row]) for row in rows),
            "slip_outer": sum(row in outer for row in rows),
            "slip_edge": min((abs(row - other) for row in rows for other in outer), default=NOWHERE),
            "slip_digits": sum(
                "".join(filter(str.isdigit, ours)) != "".join(filter(str.isdigit, theirs))
                for ours, theirs in pairs
            ),
        }

    def _kept(self, segment: Segment, lines: Sequence[Line]) -> Values:
        """Lines that stay unshown between shown ones, with a marker between (`marked`) or without, and
        markers that keep nothing (`idle`).
        """
        elides, rows = self._scene.elides, segment.rows
        found = {"unmarked": 0, "marked": 0}
        first, last = (rows[0], rows[-1]) if rows else (0, 0)
        run, shown = 0, None
        for line in lines:
            if line.row is None:
                run += _says(line)
                continue
            if run and (shown is not None or segment.pivot_above):
                start = first if shown is None and rows else line.row if shown is None else shown
                found["marked" if any(elides[start : line.row]) else "unmarked"] += run
            run, shown = 0, line.row
        if run and segment.pivot_below:
            start = first if shown is None else shown
            found["marked" if any(elides[start : last + 1]) else "unmarked"] += run
        at_row: dict[int, tuple[int, int]] = {}
        for at, line in enumerate(lines):
            if line.row is not None:
                at_row[line.row] = (at_row.get(line.row, (at, at))[0], at)
        order = sorted(at_row)
        idle = 0
        for row in rows:
            if elides[row]:
                before = max((other for other in order if other < row), default=None)
                after = min((other for other in order if other > row), default=None)
                start = at_row[before][0] + 1 if before is not None else 0
                end = at_row[after][0] if after is not None else len(lines)
                idle += not any(line.row is None and _says(line) for line in lines[start:end])
        return {name: min(count, MANY) for name, count in found.items()} | {"idle": idle}

    def _unbalanced(self, lines: Sequence[Line], gone: Sequence[int]) -> int:
        """Brackets that are open after the segment and were not, or were and are not."""
        items = self._scene.items
        left = [0, 0, 0]
        for column in gone:
            left = [a - b for a, b in zip(left, left_open(items[column] or ""), strict=True)]
        for line in lines:
            if line.row is not None:
                had = left_open(items[line.column] or "") if line.column is not None else (0, 0, 0)
                new = left_open(line.text or "")
                left = [a + b - c for a, b, c in zip(left, new, had, strict=True)]
        return sum(map(abs, left))

    def _joins(self, segment: Segment, lines: Sequence[Line]) -> Values:
        """Lines that become neighbours: indentation that does not follow (`bad`), equal ones (`stutter`),
        parts with no blank line between (`tight`) or with one (`loose`), blank lines in a row (`wide`).
        """
        full: list[tuple[str | None, int | None, int | None]] = [
            (segment.above, -1, -1),
            *((line.text, line.row, line.column) for line in lines),
            (segment.below, -1, -2),
        ]
        bad = stutter = tight = loose = 0
        filled = [
            (at, text, row, column) for at, (text, row, column) in enumerate(full) if text and text.strip()
        ]
        for (at, above, row, column), (to, below, next_row, next_column) in pairwise(filled):
            if column is not None and row is None and next_row is None and next_column == column + 1:
                continue
            if column is None and next_column is None and to == at + 1:
                continue
            first, second = above.rstrip(), below.strip()
            deeper = indent_of(below) > indent_of(above)
            if deeper:
                bad += not first.endswith(_GOES_ON)
            else:
                bad += first.endswith(("{", ":", "(", "[")) and not second.startswith(CLOSERS)
            stutter += first.strip() == second and letters(above) > 0
            starts = header_name(below) or is_comment(second) or second.startswith("@")
            if (starts or first.strip() in _ENDS) and not deeper and not second.startswith(CLOSERS):
                tight += to == at + 1
                loose += to > at + 1
        blank = [text is not None and not text.strip() for text, _, _ in full]
        texts = self._scene.item_texts
        return {
            "bad": bad,
            "stutter": stutter,
            "tight": tight,
            "loose": loose,
            "wide": sum(a and b for a, b in pairwise(blank)),
            "wide_had": sum(not texts[a] and not texts[b] for a, b in pairwise(segment.columns)),
        }

    def _place(self, segment: Segment, lines: Sequence[Line]) -> Values:
        """Where the longest run of new lines stands: lines of the window `to_above` and `to_below` between it
        and the next shown line, its depth against its neighbours, whether it opens or closes a scope there,
        keeps a list `sorted`, begins as its neighbours do, and what the edit has beside it.
        """
        runs = new_runs(lines)
        found = dict.fromkeys(_PLACE, 0)
        found |= dict.fromkeys(("to_above", "to_below", "deep_above", "deep_below"), NOWHERE)
        found["new_runs"] = len(runs)
        if not runs:
            return found
        start, end = max(runs, key=lambda run: run[1] - run[0])
        shown_above = next((at for at in range(start - 1, -1, -1) if lines[at].row is not None), -1)
        shown_below = next((at for at in range(end, len(lines)) if lines[at].row is not None), len(lines))
        found["to_above"] = min(sum(map(_says, lines[shown_above + 1 : start])), -NOWHERE)
        found["to_below"] = min(sum(map(_says, lines[end:shown_below])), -NOWHERE)
        before = [segment.above, *(line.text for line in lines[:start])]
        after = [*(line.text for line in lines[end:]), segment.below]
        above = next((text for text in reversed(before) if text is None or text.strip()), None)
        below = next((text for text in after if text is None or text.strip()), None)
        run = [line.text or "" for line in lines[start:end]]
        filled = [text for text in run if text.strip()]
        if filled:
            found |= _beside(filled, above, below)
        found |= self._in_edit(lines[start].row or 0, lines[end - 1].row or 0)
        found["scope"] = self._scope(segment, lines, start, end)
        found["blank_above"] = int(_is_blank(before[-1])) + 2 * int(not run[0].strip())
        found["blank_below"] = int(_is_blank(after[0])) + 2 * int(not run[-1].strip())
        return found

    def _scope(self, segment: Segment, lines: Sequence[Line], start: int, end: int) -> int:
        """Whether the line that encloses a run of new lines is the one that encloses it in the edit: 2 if
        so, 1 where the edit shows none, 0 where it is another one.
        """
        scene = self._scene
        at = next((n for n in range(start, end) if (lines[n].text or "").strip()), None)
        if at is None:
            return 1
        row, text = lines[at].row or 0, lines[at].text or ""
        shown = next(
            (
                scene.edit_texts[n]
                for n in range(row - 1, -1, -1)
                if scene.says(n) and scene.indents[n] < scene.indents[row]
            ),
            None,
        )
        if shown is None:
            return 1
        depth = indent_of(text)
        first = segment.columns[0] if segment.columns else None
        above = [line.text for line in reversed(lines[:at])]
        above += [segment.above, *(reversed(scene.items[: max(0, first - 1)]) if first is not None else ())]
        enclosing = next((line for line in above if line and line.strip() and indent_of(line) < depth), None)
        return 2 if enclosing is not None and enclosing.strip() == shown else 0

    def _in_edit(self, first: int, last: int) -> Values:
        """Whether the edit has a marker next to rows, blank lines aside: 2 where it ends there."""
        scene = self._scene
        above = next((row for row in range(first - 1, -1, -1) if not scene.blank[row]), None)
        below = next((row for row in range(last + 1, len(scene.edit)) if not scene.blank[row]), None)
        return {
            "marker_above": 2 if above is None else int(scene.elides[above]),
            "marker_below": 2 if below is None else int(scene.elides[below]),
        }


def _beside(filled: Sequence[str], above: str | None, below: str | None) -> Values:
    found: Values = {}
    depth, depth_last = indent_of(filled[0]), indent_of(filled[-1])
    first = filled[0].strip()
    found["is_unit"] = int(bool(header_name(filled[0])) or is_comment(first) or first.startswith("@"))
    if above:
        found["deep_above"] = max(-20, min(20, depth - indent_of(above)))
        found["scope_start"] = int(above.rstrip().endswith(OPENERS) and indent_of(above) < depth)
    if below:
        found["deep_below"] = max(-20, min(20, depth_last - indent_of(below)))
        found["scope_end"] = int(indent_of(below) < depth and below.strip().startswith(CLOSERS))
    else:
        found["scope_end"] = 2
    low, high = (above or "").strip().rstrip(","), (below or "").strip().rstrip(",")
    texts = [text.strip().rstrip(",") for text in filled]
    if len(texts) <= 6:
        found["sorted"] = int(bool(low) and low <= texts[0]) + 2 * int(bool(high) and texts[-1] <= high)
    word = first.split(" ")[0]
    found["above_same"] = int((above or "").strip().startswith(word))
    found["below_same"] = int((below or "").strip().startswith(word))
    return found


def _says(line: Line) -> bool:
    """Whether a line is more than a blank one; a gap is."""
    return line.text is None or bool(line.text.strip())


def _is_blank(text: str | None) -> bool:
    return text is not None and not text.strip()
