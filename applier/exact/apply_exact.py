"""The exact tier: what an edit says without any doubt is done at once, with no model.

`apply_exact` never guesses. What does not match character for character goes on to the model with the
reason and the places that come close; what matches at several places, or contradicts itself, is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from ..parse import LazySnippet, ParsedEdit, SearchReplace, UnifiedDiff, V4APatch, WholeFile
from ..parse.markers import MarkerKind
from ..parse.parts import Part, from_block, from_hunk
from ..text.line_diff import changes
from ..text.source_text import Replacement, SourceText, merge_adjacent
from ..types import LineRange, Refusal, RefusalReason
from .placement import Found, Place, find_conflict, insertion, place

_MAX_READINGS = 64
_MAX_PARTS = 2000
_FEWEST_HIDDEN = 3
_FEW_LINES = 16


@dataclass(frozen=True, slots=True)
class Applied:
    """The edit as replacements of line ranges. `final_newline` is for `SourceText.replace`."""

    replacements: tuple[Replacement, ...]
    final_newline: bool | None = None

    def touched(self, source: SourceText) -> tuple[tuple[int, int], ...]:
        """The 0-based half-open line ranges that differ, for `verify`; the last line if its end does."""
        ranges = [(part.start, part.end) for part in self.replacements]
        last = source.line_count
        if self.final_newline is not None and last and not any(end == last for _, end in ranges):
            ranges.append((last - 1, last))
        return tuple(ranges)


@dataclass(frozen=True, slots=True)
class AlreadyApplied:
    """The file shows the result of the edit; `ranges` say where.

    `unshown` are a few lines at the file's start or end that the edit may mean to remove: it is one run of
    lines, and has no marker for them.
    """

    ranges: tuple[LineRange, ...] = ()
    unshown: tuple[LineRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The edit cannot be applied by any tier."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Pending:
    """A part that did not match exactly: its text as written, and why it did not."""

    text: str
    line: int  # 1-based line of the edit
    why: str
    candidates: tuple[LineRange, ...] = ()
    part: Part | None = None  # of a block or hunk whose old lines do not stand in the file
    within: range | None = None  # rows that the order of hunks leaves for it
    shown: int | None = None  # 0-based line at which its new lines stand


@dataclass(frozen=True, slots=True)
class NeedsModel:
    """Something is not exact. `ready` holds what is; `pending` the parts that are not, in order."""

    why: str
    candidates: tuple[LineRange, ...] = ()
    ready: tuple[Replacement, ...] = ()
    pending: tuple[Pending, ...] = ()


ExactOutcome = Applied | AlreadyApplied | Refused | NeedsModel


def apply_exact(source: SourceText, edit: ParsedEdit, language: str | None = None) -> ExactOutcome:
    """Apply an edit as far as it is exact and unique. The source is never changed."""
    if isinstance(edit, LazySnippet):
        return _lazy(source, edit)
    if isinstance(edit, WholeFile):
        return _whole_file(source, edit)
    if isinstance(edit, SearchReplace):
        return _blocks(source, edit, language)
    if isinstance(edit, UnifiedDiff | V4APatch):
        return _hunks(source, edit, language)
    raise TypeError(f"no exact tier for {type(edit).__name__}")


def _refuse(
    reason: RefusalReason, message: str, line: int | None = None, candidates: tuple[LineRange, ...] = ()
) -> Refused:
    return Refused(Refusal(reason, message, candidates, line))


def _whole(source: SourceText, lines: Sequence[str], final_newline: bool | None = None) -> ExactOutcome:
    """Make `lines` the whole file."""
    old = source.lines
    found = tuple(
        Replacement(change.a_start, change.a_end, tuple(lines[change.b_start : change.b_end]))
        for change in changes(old, lines)
    )
    if not found:
        return AlreadyApplied((LineRange(1, len(old)),) if old else ())
    return Applied(found, final_newline)


def _whole_file(source: SourceText, edit: WholeFile) -> ExactOutcome:
    left_out = [
        row
        for row, kind in edit.markers.items()
        if kind is not MarkerKind.DELETE and not source.lines.has(edit.lines[row])
    ]
    if left_out:
        why = f"Line {left_out[0] + 1} of the new file stands for code that it does not show."
        return NeedsModel(why, pending=(Pending(edit.text, left_out[0] + 1, why),))
    return _whole(source, edit.lines, None if source.body else edit.final_newline)


def _lazy(source: SourceText, edit: LazySnippet) -> ExactOutcome:
    if source.is_blank and not edit.markers:
        return _whole(source, edit.lines)
    if not edit.markers and list(edit.lines) == source.lines:
        return AlreadyApplied((LineRange(1, source.line_count),))
    shown = _segments_in_file(source, edit)
    if shown:
        return AlreadyApplied(shown, _unshown(source, edit, shown))
    why = "A lazy snippet has to be merged: it shows only part of the file."
    return NeedsModel(why, pending=(Pending(edit.text, edit.line, why),))


def _segments_in_file(source: SourceText, edit: LazySnippet) -> tuple[LineRange, ...]:
    """Where the snippet's runs between markers stand, if each stands at one place, in order; else ()."""
    if MarkerKind.DELETE in edit.markers.values():
        return ()
    cuts = [-1, *sorted(edit.markers), len(edit.lines)]
    found: list[LineRange] = []
    low = 0
    for before, after in pairwise(cuts):
        run = list(edit.lines[before + 1 : after])
        while run and not run[0].strip():
            run.pop(0)
        while run and not run[-1].strip():
            run.pop()
        if not run:
            continue
        lines = source.find(run, 2)
        if len(lines) != 1 or lines[0] < low:
            return ()
        low = lines[0] + len(run)
        found.append(LineRange(lines[0] + 1, low))
    return tuple(found)


def _unshown(source: SourceText, edit: LazySnippet, shown: Sequence[LineRange]) -> tuple[LineRange, ...]:
    """See `AlreadyApplied`. Of an indented run, what stands above it is a scope that it does not open."""
    if len(shown) != 1:
        return ()
    rows = [row for row, line in enumerate(edit.lines) if line.strip()]
    lines, last = source.lines, source.line_count
    above, below = LineRange(1, shown[0].start - 1), LineRange(shown[0].end + 1, last)
    indented = lines[shown[0].start - 1][:1].isspace()
    return tuple(
        range_
        for range_, marked in (
            (above, indented or rows[0] in edit.markers),
            (below, rows[-1] in edit.markers),
        )
        if not marked
        and range_.end - range_.start < _FEW_LINES
        and any(line.strip() for line in lines[range_.start - 1 : range_.end])
    )


def _blocks(source: SourceText, edit: SearchReplace, language: str | None) -> ExactOutcome:
    readings = [from_block(block, language) for block in edit.blocks]
    if all(len(parts) == 1 for parts in readings):
        return _parts(source, [parts[0] for parts in readings], language, ordered=False)
    # The code has lines that look like dividers: take the one reading in which everything matches.
    outcomes = [
        _parts(source, list(chosen), language, ordered=False)
        for chosen, _ in zip(product(*readings), range(_MAX_READINGS), strict=False)
    ]
    fitting = [outcome for outcome in outcomes if isinstance(outcome, Applied | AlreadyApplied)]
    several = next(parts[0].line for parts in readings if len(parts) > 1)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        return _refuse(
            RefusalReason.AMBIGUOUS_MATCH,
            f"The block at line {several} of the edit has more than one ======= line, and the file fits more "
            "than one reading. Use a unified diff.",
            several,
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    return refused[0] if refused else outcomes[0]


def _hunks(source: SourceText, edit: UnifiedDiff | V4APatch, language: str | None) -> ExactOutcome:
    parts = [from_hunk(hunk, language) for hunk in edit.hunks]
    if edit.creates and source.body:
        lines = [line for part in parts for line in part.new]
        if lines == source.lines:
            return AlreadyApplied((LineRange(1, source.line_count),))
        return _refuse(
            RefusalReason.NO_MATCH,
            "The edit creates the file, but the file has other content. Send a change against it.",
            parts[0].line,
        )
    stated = [hunk.new_newline for hunk in edit.hunks if not (hunk.old_newline and hunk.new_newline)]
    final_newline = stated[-1] if stated else None
    if final_newline == source.has_final_newline:
        final_newline = None
        if not any(part.edits for part in parts):
            return AlreadyApplied()
    return _parts(source, parts, language, ordered=True, final_newline=final_newline)


def _parts(
    source: SourceText,
    parts: Sequence[Part],
    language: str | None,
    *,
    ordered: bool,
    final_newline: bool | None = None,
) -> ExactOutcome:
    changing = [part for part in parts if part.edits]
    if final_newline is None and changing:
        parts = changing  # beside others, one that changes nothing is context
    times = _times(parts)
    parts = list({_key(part): part for part in reversed(parts)}.values())[::-1]
    if len(parts) > _MAX_PARTS:
        return _refuse(
            RefusalReason.UNPARSABLE_EDIT,
            f"The edit has {len(parts)} parts; at most {_MAX_PARTS} are accepted. Send it in pieces, or send "
            "the whole file.",
        )
    if source.is_blank and len(parts) == 1 and not "".join(parts[0].old).strip():
        return _whole(source, parts[0].new, final_newline)
    for part in parts:
        if part.changes_bom:
            return _refuse(
                RefusalReason.UNDECODABLE,
                f"The {part.what} at line {part.line} of the edit adds or removes a byte order mark. The "
                "file keeps its own; leave the mark out of the edit.",
                part.line,
            )
        if not part.edits and final_newline is None:
            return _refuse(
                RefusalReason.CONTRADICTORY_EDIT,
                f"The {part.what} at line {part.line} of the edit changes nothing: both sides are the same.",
                part.line,
            )
    anchored = [part for part in parts if part.old]
    places = iter(place(source, anchored, language, ordered=ordered))
    placed: list[tuple[Part, Place]] = []
    for part in parts:
        where = next(places) if part.old else insertion(source, part, language)
        if where.found is Found.AMBIGUOUS and len(where.candidates) == times[_key(part)]:
            # As often as the block is written, so often its lines stand there.
            placed += [(part, Place(Found.PLACED, each.start - 1)) for each in where.candidates]
        else:
            placed.append((part, where))
    return _conclude(source, placed, final_newline, ordered=ordered)


_Key = tuple[tuple[str, ...], tuple[str, ...], int | None, tuple[str, ...]]


def _key(part: Part) -> _Key:
    """What tells a part from its repetition. A hunk may stand twice for two places."""
    return part.old, part.new, part.line if part.what == "hunk" else part.start_hint, part.scopes


def _times(parts: Sequence[Part]) -> Counter[_Key]:
    return Counter(_key(part) for part in parts)


def _conclude(
    source: SourceText,
    placed: Sequence[tuple[Part, Place]],
    final_newline: bool | None,
    *,
    ordered: bool = False,
) -> ExactOutcome:
    conflict = find_conflict(placed)
    if conflict:
        return Refused(conflict)
    ends = (where.line + len(part.old) for part, where in placed)
    if final_newline is not None and source.line_count not in ends:
        final_newline = None  # no hunk reaches the end of the file, so none can speak of it
    ready: list[Replacement] = []
    done: list[LineRange] = []
    pending: list[Pending] = []
    for number, (part, where) in enumerate(placed):
        if where.refusal is not None:
            return Refused(where.refusal)
        if where.found is Found.AMBIGUOUS:
            lines = ", ".join(str(candidate.start) for candidate in where.candidates[:8])
            return _refuse(
                RefusalReason.AMBIGUOUS_MATCH,
                f"The {part.what} at line {part.line} of the edit matches at {len(where.candidates)} places "
                f"(lines {lines}). Add lines around the change until it matches at one.",
                part.line,
                where.candidates,
            )
        if where.found is Found.PLACED and part.elided and not _hides_code(part):
            return _refuse(
                RefusalReason.PLACEHOLDER_LEAK,
                f"The new lines of the {part.what} at line {part.line} of the edit hold a placeholder, and "
                "the old lines have no code for it to stand for. Write the new lines in full.",
                part.line,
            )
        if where.found is Found.DONE:
            if where.line >= 0 and part.new:
                done.append(LineRange(where.line + 1, where.line + len(part.new)))
        elif where.found is Found.MISSING or part.elided:
            within = _room(source, placed, number) if ordered else None
            pending.append(_pending(part, where, within))
        else:
            ready += part.placed_at(where.line)
    if pending:
        return NeedsModel(pending[0].why, pending[0].candidates, tuple(ready), tuple(pending))
    if not ready and final_newline is None:
        return AlreadyApplied(tuple(done))
    return Applied(merge_adjacent(ready), final_newline)


def _room(source: SourceText, placed: Sequence[tuple[Part, Place]], number: int) -> range:
    """The rows between the placed parts that come before and after one in the edit."""
    low, high = 0, source.line_count
    for part, where in placed[:number]:
        if where.found is Found.PLACED:
            low = max(low, where.line + part.changed[1])
    for part, where in placed[number + 1 :]:
        if where.found is Found.PLACED:
            high = min(high, where.line + part.changed[0])
    return range(low, high)


def _hides_code(part: Part) -> bool:
    """Whether enough old lines are missing from the new ones for a placeholder among these to mean them."""
    old, new = ([text for line in lines if (text := line.strip())] for lines in (part.old, part.new))
    had, shown = set(old), set(new)
    hidden = sum(text not in shown for text in old)
    replaced = sum(text not in had for text in new) - 1  # by new lines other than the placeholder
    return hidden - replaced >= _FEWEST_HIDDEN


def _pending(part: Part, where: Place, within: range | None) -> Pending:
    if where.found is Found.MISSING:
        why = f"The old lines of the {part.what} at line {part.line} of the edit do not stand in the file."
        return Pending(part.text, part.line, why, where.candidates, part, within, where.shown)
    why = f"The new lines of the {part.what} at line {part.line} of the edit leave code out."
    place_ = LineRange(where.line + 1, where.line + max(len(part.old), 1))
    return Pending(part.text, part.line, why, (place_,))
