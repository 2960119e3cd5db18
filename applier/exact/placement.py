"""Where a part of an edit stands in a file: exactly, uniquely, or not at all.

A place counts when all old lines of the part stand there character for character. Of several places one is
taken only for a reason that the edit itself gives: the order of hunks, a stated line number at which the
lines do stand, a scope header, the end of the file. Otherwise the part is ambiguous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rapidfuzz import fuzz

from ..parse.parts import Part
from ..syntax.line_match import names
from ..text.source_text import Replacement, SourceText
from ..types import LineRange, Refusal, RefusalReason
from .stated import Stated

_MANY = 50
_MOST = 4096  # places of a part that states which of them it means
_INDEX_ABOVE = 1 << 26
_ALIKE = 75  # % of similarity from which a line may be another one's change


class Found(Enum):
    """The outcome for one part."""

    PLACED = auto()
    DONE = auto()  # the file shows the result already
    MISSING = auto()
    AMBIGUOUS = auto()
    CONTRADICTED = auto()  # an anchor is not there, or the old lines stand outside of it


@dataclass(frozen=True, slots=True)
class Place:
    """`line` is the 0-based line of the first old line (PLACED) or new line (DONE); -1 when nowhere."""

    found: Found
    line: int = -1
    candidates: tuple[LineRange, ...] = ()
    refusal: Refusal | None = None  # of a CONTRADICTED one
    shown: int | None = None  # of a MISSING one: the line at which its new lines stand, which may be chance


def place(source: SourceText, parts: Sequence[Part], language: str | None, *, ordered: bool) -> list[Place]:
    """A place for every part. `ordered`: the parts follow each other in the file, as hunks do."""
    if len(parts) * len(source.body) > _INDEX_ABOVE:
        _ = source.index  # one pass over the file in place of one for each part
    matches = [source.find(part.old, _MOST if _states(part) else _MANY) for part in parts]
    options = _in_order(parts, matches) if ordered else matches
    places = [
        _decide(source, part, all_lines, lines, language)
        for part, all_lines, lines in zip(parts, matches, options, strict=True)
    ]
    outcomes = {where.found for where in places}
    if outcomes != {Found.DONE, Found.MISSING}:
        return places
    # The rest of the edit is there: new lines that stand once are a part's result, and a deletion whose lines
    # are nowhere has been made too.
    return [_done_too(source, part, where) for part, where in zip(parts, places, strict=True)]


def _done_too(source: SourceText, part: Part, where: Place) -> Place:
    if where.found is Found.MISSING and where.shown is not None:
        return Place(Found.DONE, where.shown)
    if where.found is Found.MISSING and _is_gone(source, part):
        return Place(Found.DONE)
    return where


def insertion(source: SourceText, part: Part, language: str | None) -> Place:
    """The place of a part without old lines: the end of the file, a stated line, or below an anchor."""
    if part.at_end:
        last = source.line_count
        top = last - len(part.new)
    else:
        found = Stated(source, part, language).insertion()
        if isinstance(found, Refusal):
            return Place(Found.CONTRADICTED, refusal=found)
        last = top = found
    stands = top >= 0 and source.slice(top, min(top + len(part.new), source.line_count)) == list(part.new)
    if stands and _tells(part.new):
        return Place(Found.DONE, top)
    return Place(Found.PLACED, last)


def _decide(
    source: SourceText, part: Part, everywhere: list[int], options: list[int], language: str | None
) -> Place:
    stated = Stated(source, part, language)
    if stated.refusal is not None:
        return Place(Found.CONTRADICTED, refusal=stated.refusal)
    if not everywhere:
        source.lines.seek(part.old)
        shown = _shows_result(source, part)
        if shown is not None and _is_result(source, part, shown, language):
            return Place(Found.DONE, shown)
        return Place(Found.MISSING, candidates=similar_places(source, part.old), shown=shown)
    if len(everywhere) == 1 and (done := _is_within_result(source, part, everywhere[0])) is not None:
        return Place(Found.DONE, done)
    allowed = [line for line in everywhere if stated.allows(line, line + len(part.old) - 1)]
    if not allowed:
        refusal = stated.contradiction(_ranges(everywhere, len(part.old)))
        return Place(Found.CONTRADICTED, refusal=refusal)
    chosen = [line for line in options if line in allowed] or allowed
    if len(chosen) == 1:
        return Place(Found.PLACED, chosen[0])
    told = stated.choose(chosen)
    if told is not None:
        return Place(Found.PLACED, told)
    return Place(Found.AMBIGUOUS, candidates=_ranges(allowed, len(part.old)))


def _states(part: Part) -> bool:
    """Whether a part says which of several places it means."""
    return part.start_hint is not None or part.at_end or bool(part.scopes)


def _is_result(source: SourceText, part: Part, line: int, language: str | None) -> bool:
    """Whether new lines that stand at `line` are the part's result, and not some like them: context that
    stands once, the stated line, or names that no other line has say so.
    """
    changed = {row for edit in part.edits for row in range(edit.start, edit.end)}
    context = [part.old[row] for row in range(len(part.old)) if row not in changed]
    if any(_tells([text]) and len(source.lines.rows(text)) == 1 for text in context):
        return True
    if line == part.start_hint:
        return True
    old = [sorted(names(text, language)) for text in part.old if text.strip()]
    new = [sorted(names(text, language)) for text in part.new if text.strip()]
    if old != new or not any(old):
        return False
    same = sum(sorted(names(text, language)) in new for text in source.lines if text.strip())
    return same == len(new)


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
    starts = {i - first for i in source.lines.rows(old[first])}
    if not part.added:
        for row, text in enumerate(old):
            starts.update(i - row for i in source.lines.rows(text)[:_MANY])
    for start in starts:
        if not 0 <= start <= source.line_count - len(old):
            continue
        lines = [line.strip() for line in source.lines[start : start + len(old)]]
        same = [ours == theirs for ours, theirs in zip(old, lines, strict=True)]
        if 5 * sum(same) >= 3 * len(old) and all(same[row] for row in removed):
            return True
        if not part.added:
            alike = [fuzz.ratio(ours, theirs) >= _ALIKE for ours, theirs in zip(old, lines, strict=True)]
            if 5 * sum(alike) >= 3 * len(old) and 2 * sum(alike[row] for row in removed) >= len(removed):
                return True
    return False


def _is_gone(source: SourceText, part: Part) -> bool:
    """The part only removes lines, and none of them stands in the file."""
    removed = [part.old[row] for edit in part.edits for row in range(edit.start, edit.end)]
    return not part.added and _tells(removed) and not any(source.find([line], 1) for line in removed)


def _is_within_result(source: SourceText, part: Part, line: int) -> int | None:
    """The old lines are there, but as part of the new ones: an insertion that has been made before."""
    old, new = part.old, part.new
    if len(new) <= len(old) or not _tells(part.added):
        return None
    for shift in range(len(new) - len(old) + 1):
        top = line - shift
        if new[shift : shift + len(old)] != old or top < 0 or top + len(new) > source.line_count:
            continue
        if source.slice(top, top + len(new)) == list(new):
            return top
    return None


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
