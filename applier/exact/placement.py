"""Where a part of an edit stands in a file: exactly, uniquely, or not at all.

A place counts when all old lines of the part stand there character for character. Of several places one is
taken only for a reason that the edit itself gives: the order of hunks, a stated line number at which the
lines do stand, a scope header, the end of the file. Otherwise the part is ambiguous.

Where the old lines stand nowhere and the new ones do, the part may have been made already, or its old lines
may be misquoted and the new ones stand where they always stood. It counts as made only if the edit says that
it belongs there: by its context, its line number or its scopes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from itertools import takewhile

from rapidfuzz import fuzz, process

from ..parse.parts import Part
from ..syntax.scopes import scopes
from ..text.source_text import Replacement, SourceText
from ..types import LineRange, Refusal, RefusalReason

_MANY = 50
_INDEX_ABOVE = 1 << 26
_MAX_PARSED = 1 << 20
_ALIKE = 75  # % of similarity from which a line may be another one's change
_MISQUOTED = 90  # and from which it may be the same one, misquoted
_ALIKE_AT_ALL = 65
_LONGEST_ALIKE = 1000  # letters; comparing takes their product
_MOST_ALIKE = 8  # lines that are looked for so
_ABOVE_HEADER = 20  # lines between a definition's first decorator and its head


class Found(Enum):
    """The outcome for one part."""

    PLACED = auto()
    DONE = auto()  # the file shows the result already
    MISSING = auto()
    AMBIGUOUS = auto()
    UNSURE = auto()  # the new lines stand somewhere, and nothing says that they are this part's


@dataclass(frozen=True, slots=True)
class Place:
    """`line` is the 0-based line of the first old (PLACED) or new line (DONE, UNSURE); -1 when nowhere."""

    found: Found
    line: int = -1
    candidates: tuple[LineRange, ...] = ()


def place(source: SourceText, parts: Sequence[Part], language: str | None, *, ordered: bool) -> list[Place]:
    """A place for every part. `ordered`: the parts follow each other in the file, as hunks do."""
    if len(parts) * len(source.body) > _INDEX_ABOVE:
        _ = source.index  # one pass over the file in place of one for each part
    matches = [source.find(part.old, _MANY) for part in parts]
    options = _in_order(parts, matches) if ordered else matches
    blocks = _Blocks(source, language)
    places = [
        _decide(source, part, all_lines, lines, blocks)
        for part, all_lines, lines in zip(parts, matches, options, strict=True)
    ]
    outcomes = {where.found for where in places}
    if Found.DONE not in outcomes or outcomes & {Found.PLACED, Found.AMBIGUOUS}:
        return places
    # The rest of the edit is there, so what seems to be has been made too, and so has a deletion whose lines
    # are nowhere.
    return [
        Place(Found.DONE, where.line)
        if where.found is Found.UNSURE or (where.found is Found.MISSING and _is_gone(source, part))
        else where
        for part, where in zip(parts, places, strict=True)
    ]


def at_end(source: SourceText, part: Part) -> Place:
    """The place of a part without old lines that belongs at the end of the file."""
    last = source.line_count
    top = last - len(part.new)
    if top >= 0 and _tells(part.new) and source.slice(top, last) == list(part.new):
        return Place(Found.DONE, top)
    return Place(Found.PLACED, last)


def _decide(
    source: SourceText, part: Part, everywhere: list[int], options: list[int], blocks: _Blocks
) -> Place:
    if not everywhere:
        source.lines.seek(part.old)
        at = _shows_result(source, part)
        if at is None:
            return Place(Found.MISSING, candidates=similar_places(source, part.old))
        if _belongs_at(source, part, at, blocks):
            return Place(Found.DONE, at)
        seems = _ranges([at], len(part.new))
        return Place(Found.UNSURE, at, (*seems, *similar_places(source, part.old)))
    if len(everywhere) == 1 and (done := _is_within_result(source, part, everywhere[0])) is not None:
        return Place(Found.DONE, done)
    reasons: tuple[Callable[[], list[int]], ...] = (
        lambda: options,
        lambda: [line for line in options if line == part.start_hint],
        lambda: [line for line in options if part.at_end and line + len(part.old) == source.line_count],
        lambda: blocks.within(part, options),
    )
    for reason in reasons:
        chosen = reason()
        if len(chosen) == 1:
            return Place(Found.PLACED, chosen[0])
    if len(everywhere) == _MANY and len(beyond := _beyond(source, part, blocks)) == 1:
        return Place(Found.PLACED, beyond[0])
    return Place(Found.AMBIGUOUS, candidates=_ranges(everywhere, len(part.old)))


def _ranges(lines: Sequence[int], length: int) -> tuple[LineRange, ...]:
    return tuple(LineRange(line + 1, line + max(length, 1)) for line in lines)


def _in_order(parts: Sequence[Part], matches: list[list[int]]) -> list[list[int]]:
    """The matches that leave room for every other part in the edit's order; all if there is none."""
    earliest: list[int] = []  # first line after the part's changes, at the earliest
    low = 0
    for part, lines in zip(parts, matches, strict=True):
        first, last = part.changed
        fits = [line for line in lines if line + first >= low]
        if lines and not fits:
            return matches
        earliest.append(low)
        if fits:
            low = max(low, fits[0] + last)
    high: float = float("inf")
    kept: list[list[int]] = []
    for part, lines, floor in zip(reversed(parts), reversed(matches), reversed(earliest), strict=True):
        first, last = part.changed
        fits = [line for line in lines if line + first >= floor and line + last <= high]
        if lines and not fits:
            return matches
        if fits:
            high = min(high, fits[-1] + first)
        kept.append(fits)
    return kept[::-1]


def _beyond(source: SourceText, part: Part, blocks: _Blocks) -> list[int]:
    """Of a part that stands at more places than are looked at: where it stands at the line that it states, at
    the end of the file, or in its scopes.
    """
    stated = [] if part.start_hint is None else [part.start_hint]
    if part.at_end:
        stated.append(source.line_count - len(part.old))
    for line in stated:
        inside = 0 <= line <= source.line_count - len(part.old)
        if inside and source.slice(line, line + len(part.old)) == list(part.old):
            return [line]
    found = blocks.named_by(part)
    if found is None:
        return []
    start, end = found
    inner = source.lines[start:end]
    rarest = min(range(len(part.old)), key=lambda row: len(source.lines.rows(part.old[row])) or len(inner))
    tops = (at - rarest for at, line in enumerate(inner) if line == part.old[rarest])
    places = (at for at in tops if at >= 0 and inner[at : at + len(part.old)] == list(part.old))
    return [start + at for at, _ in zip(places, range(2), strict=False)]


class _Blocks:
    """The blocks that scope headers open, in one file. It is parsed once, for the first header."""

    def __init__(self, source: SourceText, language: str | None) -> None:
        self._source, self._language = source, language

    def within(self, part: Part, options: Sequence[int]) -> list[int]:
        """The options inside the block that the part's headers open, if each header names one line."""
        found = self.named_by(part) if part.scopes and options else None
        return [] if found is None else [line for line in options if found[0] <= line < found[1]]

    def named_by(self, part: Part) -> tuple[int, int] | None:
        """The lines, half-open, of that block; None where the part has no headers, or one names no line or
        several.
        """
        if not part.scopes:
            return None
        start, end = 0, self._source.line_count
        for header in part.scopes:
            named = self._named(header.strip(), start, end)
            if len(named) != 1:
                return None
            start = named[0]
            end = min(end, self._end(start))
        return start, end

    def _named(self, header: str, start: int, end: int) -> list[int]:
        """The lines of a range that are the header, else those that begin with it; two of them at most."""
        rows = self._source.lines.rows(header)
        first = bisect_left(rows, start)
        if found := [row for row in rows[first : first + 2] if row < end]:
            return found
        texts = self._texts
        at = bisect_left(texts, (header, 0))
        begun = takewhile(lambda pair: pair[0].startswith(header), (texts[i] for i in range(at, len(texts))))
        inside = (row for _, row in begun if start <= row < end)
        return [row for row, _ in zip(inside, range(2), strict=False)]

    @cached_property
    def _texts(self) -> list[tuple[str, int]]:
        return sorted((line.strip(), row) for row, line in enumerate(self._source.lines))

    @cached_property
    def _scopes(self) -> dict[int, list[int]]:
        """First line -> the last lines of the scopes that begin there; both 1-based."""
        found: dict[int, list[int]] = {}
        body = self._source.body
        for scope in scopes(body, self._language) if len(body) <= _MAX_PARSED else ():
            found.setdefault(scope.start_line, []).append(scope.end_line)
        return found

    def _end(self, header: int) -> int:
        """The line after the block whose header is at `header`: by its syntax, else by indentation."""
        starts = range(max(header + 1 - _ABOVE_HEADER, 0), header + 2)
        ends = [end for start in starts for end in self._scopes.get(start, ()) if end > header]
        if ends:
            return min(ends)
        lines = self._source.lines
        indent = len(lines[header]) - len(lines[header].lstrip())
        for i in range(header + 1, len(lines)):
            line = lines[i]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                return i
        return len(lines)


def _tells(lines: Sequence[str]) -> bool:
    """Whether the lines say enough to be recognised: a brace or a blank stands everywhere."""
    return any(sum(c.isalnum() for c in line) >= 3 for line in lines)


def _shows_result(source: SourceText, part: Part) -> int | None:
    """The old lines are nowhere: the line of the new ones, when they stand at one place and tell enough."""
    if not part.new:
        return None
    added = part.added
    if any(c.isalnum() for line in added for c in line):
        tells = _tells(part.new)
    else:  # nothing that could be recognised is new: context on both sides has to do
        tells = not added and sum(_tells([line]) for line in part.new) >= 2
    if not tells:
        return None
    if _still_stands(source, part):
        return None
    lines = source.find(part.new, 2)
    return lines[0] if len(lines) == 1 else None


def _belongs_at(source: SourceText, part: Part, at: int, blocks: _Blocks) -> bool:
    """Whether the edit says that the new lines, which stand at `at` only, are this part's: its context stands
    nowhere else, or its line number is that one, or its scopes hold the place. A number or a scope may be
    wrong, so beside them nothing may look like the old lines, misquoted.
    """
    if not part.added:  # what only removes lines is context
        return True
    if any(_stands_once(source, run) for run in _context(part)):
        return True
    end = at + len(part.new)
    if part.at_end and end == source.line_count:
        return True
    block = blocks.named_by(part)
    if block is not None and not block[0] < at < block[1]:
        return False
    stated = part.start_hint is not None
    if part.start_hint != at if stated else block is None:
        return False
    others = [*source.lines[:at], *source.lines[end:]]
    return not _alike(_removed(part), others, _MISQUOTED if stated else _ALIKE_AT_ALL)


def _context(part: Part) -> Iterator[tuple[str, ...]]:
    """The runs of lines that the part leaves as they are."""
    at = 0
    for edit in part.edits:
        yield part.old[at : edit.start]
        at = edit.end
    yield part.old[at:]


def _stands_once(source: SourceText, run: Sequence[str]) -> bool:
    """Whether lines that say enough stand at one place, or one of them does."""
    if not _tells(run):
        return False
    source.lines.seek(run)
    if any(_tells([line]) and len(source.lines.rows(line)) == 1 for line in run):
        return True
    return sum(_tells([line]) for line in run) >= 2 and len(source.find(run, 2)) == 1


def _removed(part: Part) -> list[str]:
    return [part.old[row] for edit in part.edits for row in range(edit.start, edit.end)]


def _alike(removed: Sequence[str], lines: Sequence[str], enough: int) -> bool:
    """Whether one of the lines may be one of the removed ones, misquoted."""
    texts = [text for line in lines if (text := line.strip()) and len(text) <= _LONGEST_ALIKE]
    wanted = [text for line in removed if _tells([line]) and len(text := line.strip()) <= _LONGEST_ALIKE]
    return any(
        process.extractOne(text, texts, scorer=fuzz.ratio, score_cutoff=enough)
        for text in wanted[:_MOST_ALIKE]
    )


def _still_stands(source: SourceText, part: Part) -> bool:
    """Whether what the part removes, and most of its old lines, stand somewhere but for white space.

    Of a part that adds nothing, half of what it removes is enough, and a line counts, give or take some
    letters: its new lines stand in the file before it and after.
    """
    removed = {row for edit in part.edits for row in range(edit.start, edit.end) if part.old[row].strip()}
    if not removed:
        return False
    old = [line.strip() for line in part.old]
    first = min(removed)
    starts = Counter(i - first for i in source.lines.rows(old[first]))
    for row, text in enumerate(old):
        for i in source.lines.rows(text)[:_MANY]:
            if not part.added or i - row in starts:
                starts[i - row] += 1
    inside = [start for start in starts if 0 <= start <= source.line_count - len(old)]
    for start in sorted(inside, key=lambda start: (-starts[start], start))[:_MANY]:
        lines = [line.strip() for line in source.lines[start : start + len(old)]]
        same = [ours == theirs for ours, theirs in zip(old, lines, strict=True)]
        if 5 * sum(same) >= 3 * len(old) and all(same[row] for row in removed):
            return True
        if not part.added:
            alike = [_is_alike(ours, theirs) for ours, theirs in zip(old, lines, strict=True)]
            if 5 * sum(alike) >= 3 * len(old) and 2 * sum(alike[row] for row in removed) >= len(removed):
                return True
    return False


def _is_alike(one: str, other: str) -> bool:
    if max(len(one), len(other)) > _LONGEST_ALIKE:
        return one == other
    return fuzz.ratio(one, other) >= _ALIKE


def _is_gone(source: SourceText, part: Part) -> bool:
    """The part only removes lines, and none of them stands in the file; its context does without them, or
    there is nothing that may be one of them, misquoted.
    """
    removed = _removed(part)
    if part.added or not _tells(removed) or any(_has(source, line) for line in set(removed)):
        return False
    if _tells(part.new) and source.find(part.new, 1):
        return True
    return not _alike(removed, source.lines, _MISQUOTED)


def _has(source: SourceText, line: str) -> bool:
    if not line.strip():
        return bool(source.find([line], 1))
    return any(source.lines[row] == line for row in source.lines.rows(line))


def _is_within_result(source: SourceText, part: Part, line: int) -> int | None:
    """The old lines are there, but as part of the new ones: an insertion that has been made before."""
    longer = len(part.new) - len(part.old)
    if longer <= 0 or not _tells(part.added):
        return None
    # The old lines stand at one place, so the new ones do at one around it, if at all.
    return next((top for top in source.find(part.new, 1) if top <= line <= top + longer), None)


def similar_places(source: SourceText, old: Sequence[str], limit: int = 3) -> tuple[LineRange, ...]:
    """Where most of the lines stand, white space aside: what to show a person, best first."""
    wanted = {line.strip() for line in old if line.strip()}
    votes: Counter[int] = Counter()
    for offset, line in enumerate(old):
        for i in source.lines.rows(line)[:_MANY]:
            votes[max(i - offset, 0)] += 1
    enough = max(1, len(wanted) // 3)
    best = sorted((start for start, count in votes.items() if count >= enough), key=lambda s: (-votes[s], s))
    chosen: list[int] = []
    for start in best:
        if all(abs(start - other) >= len(old) for other in chosen):
            chosen.append(start)
        if len(chosen) == limit:
            break
    last = source.line_count
    return tuple(LineRange(start + 1, min(start + len(old), last)) for start in chosen)


def find_conflict(placed: Sequence[tuple[Part, Place]]) -> Refusal | None:
    """A refusal when one part changes lines that another part relies on or changes too."""
    spans = sorted(
        (
            (where.line, where.line + len(part.old), part)
            for part, where in placed
            if where.found is Found.PLACED
        ),
        key=lambda span: (span[0], span[1], span[2].line),
    )
    for index, (start, end, part) in enumerate(spans):
        for other_start, other_end, other in spans[index + 1 :]:
            if other_start > end:
                break
            mine, theirs = part.placed_at(start), other.placed_at(other_start)
            if (
                any(max(edit.start, other_start) < min(edit.end, other_end) for edit in mine)
                or any(max(edit.start, start) < min(edit.end, end) for edit in theirs)
                or _insert_at_one_place(mine, theirs)
            ):
                return Refusal(
                    RefusalReason.CONTRADICTORY_EDIT,
                    f"The {part.what} at line {part.line} and the {other.what} at line {other.line} of the "
                    "edit change the same lines. Write them as one.",
                    (LineRange(other_start + 1, max(other_end, other_start + 1)),),
                    max(part.line, other.line),
                )
    return None


def _insert_at_one_place(mine: Sequence[Replacement], theirs: Sequence[Replacement]) -> bool:
    points = {edit.start for edit in mine if edit.start == edit.end}
    return any(edit.start == edit.end and edit.start in points for edit in theirs)
