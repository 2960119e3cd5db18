"""One search/replace block or diff hunk whose old lines do not stand in the file as they are written.

Its lines are laid over the file in order, each over one that it may be (`line_match`), and lines of the file
that they pass over stay. The part is placed where every line that tells something has a line of the file, and
where no other place is as good; else the refusal says which line is missing, or which places are alike. Only
what the part changes is written, in the indentation of the place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from rapidfuzz import fuzz, process

from ..parse.markers import find_markers
from ..parse.parts import Part
from ..syntax.line_match import Alike, alike, folded, is_comment, is_telling, names, tail
from ..text.file_lines import FileLines
from ..text.indentation import indent_of
from ..text.line_cache import letters
from ..text.source_text import Replacement, SourceText
from ..types import LineRange, Refusal, RefusalReason
from .part_indentation import Indentation
from .stated import Stated

_MANY = 256  # places of a line from which it is looked for near the part's rarer lines only
_MOST_PAIRS = 1500  # of a line of the part and one of the file; the work grows with the square
_FARTHEST = 400  # lines of the file that two lines of a part may have between them
_SHOWN = 8
_PAIR = 40  # % of similarity from which a new line may be what became of an old one
# How probable it is that a part is placed right, by the least that one of its lines has in common.
CONFIDENCE = {Alike.SAME: 0.999, Alike.LOOK: 0.998, Alike.TAIL: 0.99, Alike.TYPO: 0.98, Alike.KEYED: 0.97}
_GAPPED = 0.99


@dataclass(frozen=True, slots=True)
class Aligned:
    """A part's replacements, and how sure its place is, 0 to 1."""

    replacements: tuple[Replacement, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Chain:
    """Lines of a part laid over the file: `at` gives the row of each, `levels` what they have in common."""

    at: Mapping[int, int]
    levels: Mapping[int, Alike]
    missing: int  # lines that tell something, without a row

    @property
    def level(self) -> Alike:
        return min(self.levels.values(), default=Alike.NONE)

    @property
    def rank(self) -> tuple[int, Alike]:
        """Higher is better."""
        return -self.missing, self.level


class _NoPlace(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def align_part(
    source: SourceText, part: Part, language: str | None, within: range | None = None
) -> Aligned | Refusal:
    """Place an inexact part.

    Args:
        part: its new lines hold no placeholder.
        within: rows of the file that the order of hunks leaves for it; they decide between twins only.
    """
    stated = Stated(source, part, language)
    if stated.refusal is not None:
        return stated.refusal
    try:
        return _Placing(source, part, language, stated, within).aligned()
    except _NoPlace as none:
        parts = _pieces(part)
        if len(parts) > 1 and none.refusal.reason is RefusalReason.NO_MATCH:
            try:
                return _each_alone(source, parts, language, within)
            except _NoPlace:
                pass
        if len(part.old) == 1 and (found := _within_line(source, part, language, stated)) is not None:
            return found
        return none.refusal


def _pieces(part: Part) -> list[Part]:
    """Every change of a part with the context that touches it, as parts of their own."""
    found = []
    edits = [each for edit in part.edits for each in _line_by_line(part.old, edit)]
    cuts = [0, *(edit.start for edit in edits[1:]), len(part.old)]
    for number, edit in enumerate(edits):
        low = edits[number - 1].end if number else 0
        high = cuts[number + 1]
        old = part.old[low:high]
        inner = Replacement(edit.start - low, edit.end - low, edit.lines)
        new = (*old[: inner.start], *inner.lines, *old[inner.end :])
        found.append(replace(part, old=old, new=new, edits=(inner,), start_hint=None))
    return found


def _line_by_line(old: Sequence[str], edit: Replacement) -> list[Replacement]:
    """An edit that gives every old line a new one that is like it, as one edit a line."""
    rows = range(edit.start, edit.end)
    if len(rows) != len(edit.lines):
        return [edit]
    pairs = list(zip(rows, edit.lines, strict=True))
    if any(fuzz.ratio(old[row].strip().lower(), new.strip().lower()) < _PAIR for row, new in pairs):
        return [edit]
    return [Replacement(row, row + 1, (new,)) for row, new in pairs]


def _each_alone(
    source: SourceText, parts: Sequence[Part], language: str | None, within: range | None
) -> Aligned:
    """Changes that stand in another order than the file's, where each has one place by itself."""
    found: list[Aligned] = []
    for part in parts:
        placing = _Placing(source, part, language, Stated(source, part, language), within)
        found.append(placing.aligned(least=Alike.LOOK))
    merged = sorted((each for one in found for each in one.replacements), key=lambda each: each.start)
    if any(a.end > b.start or a.start == b.start for a, b in pairwise(merged)):
        raise _NoPlace(Refusal(RefusalReason.CONTRADICTORY_EDIT, "Changes of one part overlap."))
    return Aligned(tuple(merged), min(one.confidence for one in found))


class _Placing:
    """One part on its way to a place."""

    def __init__(
        self, source: SourceText, part: Part, language: str | None, stated: Stated, within: range | None
    ) -> None:
        self.source, self.part, self.language = source, part, language
        self.stated, self.within = stated, within
        self.lines: FileLines = source.lines
        kept = {line.strip() for line in part.new}
        self.elided = {row for row in find_markers(part.old, language) if part.old[row].strip() in kept}
        self.removed = {row for edit in part.edits for row in range(edit.start, edit.end)}
        self.rows = [row for row, line in enumerate(part.old) if is_telling(line) and row not in self.elided]

    def aligned(self, least: Alike = Alike.KEYED) -> Aligned:
        """Raises _NoPlace."""
        chain = self._best(least)
        at, levels = self._with_weak_rows(chain)
        gapped = any(at[a] + b - a != at[b] for a, b in pairwise(sorted(at)))
        confidence = CONFIDENCE[chain.level] * (_GAPPED if gapped else 1.0)
        self._check_removed(at, levels)
        return Aligned(tuple(self._replacements(at, levels)), confidence)

    # ---- where lines of the part may stand

    @cached_property
    def _by_look(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        wanted = {folded(self.part.old[row]) for row in self.rows}
        for row, text in enumerate(self.lines.texts):
            if text and (look := folded(text)) in wanted:
                found.setdefault(look, []).append(row)
        return found

    def _candidates(self, row: int) -> list[tuple[int, Alike]]:
        """Where a line of the part may stand, ascending, with what it has in common."""
        line = self.part.old[row]
        same = set(self.lines.rows(line))
        found = dict.fromkeys(same, Alike.SAME)
        for at in self._by_look.get(folded(line), ()):
            found.setdefault(at, Alike.LOOK)
        if found:
            return sorted(found.items())
        near = set(self._with_rarest_name(line))
        text = line.strip()
        hits = process.extract(text, self.lines.texts, scorer=fuzz.ratio, score_cutoff=80, limit=_MANY)
        near.update(at for _, _, at in hits)
        for at in near:
            if level := alike(line, self.lines[at], self.language):
                found[at] = level
        if not found:
            return []
        if row in self.removed:  # a line that goes is the one that is most like it, if that is one
            top = max(found.values())
            found = {at: level for at, level in found.items() if level is top}
        return sorted(found.items())

    def _with_rarest_name(self, line: str) -> list[int]:
        best: list[int] | None = None
        for name in sorted(set(names(line, self.language)), key=lambda name: (-len(name), name))[:3]:
            rows = list(self.lines.rows_with(name))
            if rows and (best is None or len(rows) < len(best)):
                best = rows
        return best[:_MANY] if best else []

    # ---- the best chain, and that nothing is as good

    def _best(self, least: Alike) -> _Chain:
        part = self.part
        if not self.rows:
            raise _NoPlace(self._refusal("has no old line that tells where it stands"))
        self.lines.seek(part.old)
        options = {row: self._candidates(row) for row in self.rows}
        for row in self.rows:
            options[row] = [pair for pair in options[row] if pair[1] >= least]
            if not options[row] and not self._may_lack(row):
                raise _NoPlace(self._missing(row))
        self.rows = [row for row in self.rows if options[row]]
        options = self._fewer(options)
        pairs = sorted((row, at, level) for row in self.rows for at, level in options[row])
        if len(pairs) > _MOST_PAIRS:
            raise _NoPlace(self._ambiguous([pairs[0][1]]))
        chains = self._chains(pairs)
        return self._winner(chains)

    def _may_lack(self, row: int) -> bool:
        """Whether the file need not have a line: a comment that stays."""
        return row not in self.removed and is_comment(self.part.old[row], self.language)

    def _fewer(self, options: dict[int, list[tuple[int, Alike]]]) -> dict[int, list[tuple[int, Alike]]]:
        """Lines that stand nearly everywhere, only where rarer ones are near."""
        rare = sorted({at for row in self.rows for at, _ in options[row] if len(options[row]) <= _MANY})
        if not rare:
            return options
        reach = len(self.part.old) + _FARTHEST // 2

        def near(at: int) -> bool:
            place = bisect_left(rare, at)
            return any(abs(rare[i] - at) <= reach for i in (place - 1, place) if 0 <= i < len(rare))

        return {
            row: [pair for pair in pairs if near(pair[0])] if len(pairs) > _MANY else pairs
            for row, pairs in options.items()
        }

    def _chains(self, pairs: Sequence[tuple[int, int, Alike]]) -> list[_Chain]:
        """The best chain through every pair of the lines that decide."""
        forward = self._sweep(pairs, 1)
        backward = self._sweep(pairs[::-1], -1)
        deciding = self._deciding()
        found: dict[tuple[tuple[int, int], ...], _Chain] = {}
        for row, at, _ in pairs:
            if row not in deciding:
                continue
            chosen = {**_walk(backward, (row, at)), **_walk(forward, (row, at))}
            levels = {each: self._level[each, chosen[each]] for each in chosen}
            missing = len(self.rows) - len(chosen)
            found.setdefault(tuple(sorted(chosen.items())), _Chain(chosen, levels, missing))
        return list(found.values())

    def _deciding(self) -> set[int]:
        """The lines whose place is the part's: those that go, and those beside an insertion."""
        found = {row for row in self.removed if row in self.rows}
        for edit in self.part.edits:
            if edit.start == edit.end:
                above = [row for row in self.rows if row < edit.start]
                below = [row for row in self.rows if row >= edit.start]
                found.update(above[-1:], below[:1])
        return found or set(self.rows)

    def _sweep(
        self, pairs: Sequence[tuple[int, int, Alike]], step: int
    ) -> dict[tuple[int, int], tuple[float, tuple[int, int] | None]]:
        """(score, the pair before) of the best chain that ends at each pair, in the order of `pairs`."""
        best: dict[tuple[int, int], tuple[float, tuple[int, int] | None]] = {}
        self._level = {(row, at): level for row, at, level in pairs}
        done: list[tuple[int, int]] = []
        for row, at, level in pairs:
            own = _weight(self.part.old[row]) * (0.5 + 0.1 * level)
            score, before = own, None
            for other in reversed(done):
                gap = (at - other[1]) * step
                if other[0] == row or not 0 < gap <= _FARTHEST:
                    continue
                reached = best[other][0] + own - self._gap(other, (row, at), step)
                if reached > score and self._may_follow(other, (row, at), step):
                    score, before = reached, other
            best[row, at] = score, before
            done.append((row, at))
        return best

    def _gap(self, one: tuple[int, int], other: tuple[int, int], step: int) -> float:
        """What lines of the file between two lines of the part cost that the part does not show."""
        skipped = abs(abs(other[1] - one[1]) - abs(other[0] - one[0]))
        return 0.0 if not skipped else 0.5 + 0.01 * skipped

    def _may_follow(self, one: tuple[int, int], other: tuple[int, int], step: int) -> bool:
        """Whether lines that are passed over lie within the blocks of both: a chain leaves none by a gap."""
        (_, low), (_, high) = (one, other) if step > 0 else (other, one)
        if high - low < 2:
            return True
        above, below = indent_of(self.lines[low]), indent_of(self.lines[high])
        least = above + 1 if below > above else min(above, below)
        for row in range(low + 1, high):
            text = self.lines.text(row)
            if not is_telling(text):
                continue
            if indent_of(self.lines[row]) < least and not text.startswith(("#", "//", "else", "elif")):
                return False
        return True

    def _winner(self, chains: Sequence[_Chain]) -> _Chain:
        if not chains:
            raise _NoPlace(self._missing(min(self._deciding())))
        top = max(chain.missing == 0 for chain in chains)
        if not top:
            fullest = min(chains, key=lambda chain: chain.missing)
            missing = next(row for row in self.rows if row not in fullest.at)
            raise _NoPlace(self._missing(missing, fullest))
        whole = [chain for chain in chains if chain.missing == 0]
        allowed = [
            chain for chain in whole if self.stated.allows(min(chain.at.values()), max(chain.at.values()))
        ]
        if not allowed:
            raise _NoPlace(self.stated.contradiction(_ranges(whole)))
        best = max(chain.level for chain in allowed)
        equal = [chain for chain in allowed if chain.level == best]
        close = [chain for chain in equal if not self._skips(chain)]
        equal = close or equal
        if len(equal) > 1:
            firsts = {self._first(chain): chain for chain in equal}
            if len(firsts) == len(equal):
                inside = [first for first in firsts if self.within is not None and first in self.within]
                chosen = self.stated.choose(sorted(firsts))
                chosen = inside[0] if chosen is None and len(inside) == 1 else chosen
                if chosen is not None:
                    return firsts[chosen]
            raise _NoPlace(self._ambiguous(sorted(firsts), equal))
        return equal[0]

    def _first(self, chain: _Chain) -> int:
        """Where the part's first line would stand."""
        row = min(chain.at)
        return chain.at[row] - row

    def _skips(self, chain: _Chain) -> bool:
        rows = sorted(chain.at)
        return any(
            is_telling(self.lines.text(at))
            for a, b in pairwise(rows)
            if chain.at[b] - chain.at[a] > 1
            for at in range(chain.at[a] + 1, chain.at[b])
        )

    # ---- blanks and brackets

    def _with_weak_rows(self, chain: _Chain) -> tuple[dict[int, int], dict[int, Alike]]:
        """The chain with the lines of the part that say nothing, where they stand beside those that do."""
        at, levels = dict(chain.at), dict(chain.levels)
        rows = range(len(self.part.old))
        for order, step in ((rows, 1), (reversed(rows), -1)):
            for row in order:
                if row in at or row in self.rows or row in self.elided or row - step not in at:
                    continue
                limit = next(
                    (at[r] for r in range(row + step, len(rows) if step > 0 else -1, step) if r in at), None
                )
                place = self._weak_place(row, at[row - step], step, limit)
                if place is not None:
                    at[row], levels[row] = place, Alike.SAME
        return at, levels

    def _weak_place(self, row: int, start: int, step: int, limit: int | None) -> int | None:
        text = self.part.old[row].strip()
        place = start + step
        while 0 <= place < len(self.lines) and place != limit:
            theirs = self.lines.text(place)
            if theirs == text or (text and folded(theirs) == folded(text)):
                return place
            if theirs or not text:
                return None
            place += step
        return None

    # ---- what the part says of the lines that it found

    def _check_removed(self, at: Mapping[int, int], levels: Mapping[int, Alike]) -> None:
        """Raises _NoPlace where a line that goes has something that the edit does not show."""
        for edit in self.part.edits:
            for row in range(edit.start, edit.end):
                if not self.part.old[row].strip():
                    continue
                if row not in at:
                    raise _NoPlace(self._missing(row))
                if levels[row] is Alike.KEYED and edit.lines:
                    self._check_value(row, at[row], edit)

    def _check_value(self, row: int, at: int, edit: Replacement) -> None:
        """A stale line may go where the edit changes what is stale in it, and nowhere else."""
        ours, theirs = self.part.old[row].strip(), self.lines.text(at)
        head, end = _common(ours, theirs)
        new = max(edit.lines, key=lambda line: fuzz.ratio(ours, line.strip())).strip()
        new_head, new_end = _common(ours, new)
        if new_head > len(ours) - end or new_end > len(ours) - head:
            raise _NoPlace(
                self._refusal(
                    f"shows {ours!r}, but line {at + 1} of the file is {theirs!r}; the edit would "
                    "change it back",
                    [LineRange(at + 1, at + 1)],
                )
            )

    # ---- the new lines

    def _replacements(self, at: Mapping[int, int], levels: Mapping[int, Alike]) -> list[Replacement]:
        indentation = Indentation(self.part, {row: self.lines[at[row]] for row in at})
        found: list[Replacement] = []
        for edit in self.part.edits:
            found += self._placed(edit, at, levels, indentation)
        return [each for each in found if list(each.lines) != self.lines[each.start : each.end]]

    def _placed(
        self,
        edit: Replacement,
        at: Mapping[int, int],
        levels: Mapping[int, Alike],
        indentation: Indentation,
    ) -> list[Replacement]:
        new = indentation.of(edit)
        rows = [row for row in range(edit.start, edit.end) if row in at]
        if not rows:
            return [self._insertion(edit, at, new)] if new else []
        runs: list[list[int]] = []
        for row in rows:
            if runs and at[row] == at[runs[-1][-1]] + 1:
                runs[-1].append(row)
            else:
                runs.append([row])
        if not new:
            return [Replacement(at[run[0]], at[run[-1]] + 1, ()) for run in runs]
        paired = self._pairs(edit, rows, new)
        if paired is not None and (len(runs) > 1 or any(levels[row] is Alike.TAIL for row in rows)):
            return [
                Replacement(at[row], at[row] + 1, (self._with_tail(line, at[row], levels[row]),))
                for row, line in paired
            ]
        if len(runs) > 1:
            gap = at[runs[0][-1]] + 1
            raise _NoPlace(
                self._refusal(
                    f"leaves out line {gap + 1} of the file ({self.lines.text(gap)[:60]!r}) between lines "
                    "that it replaces; whether that goes is not said. Show it",
                    [LineRange(at[rows[0]] + 1, at[rows[-1]] + 1)],
                )
            )
        tailed = [row for row in rows if levels[row] is Alike.TAIL]
        if tailed:
            comment = tail(self.lines[at[tailed[0]]], self.language).strip()
            raise _NoPlace(
                self._refusal(
                    f"replaces line {at[tailed[0]] + 1} of the file without its comment {comment[:60]!r}; "
                    "show the comment in the old line",
                    [LineRange(at[tailed[0]] + 1, at[tailed[0]] + 1)],
                )
            )
        start, end = at[rows[0]], at[rows[-1]] + 1
        return [Replacement(start, end, tuple(self._once_blank(new, start, end, edit, at)))]

    def _pairs(
        self, edit: Replacement, rows: Sequence[int], new: Sequence[str]
    ) -> list[tuple[int, str]] | None:
        """Each removed line with the new one that it becomes, where they are as many and alike in order."""
        written = [line for line in new if line.strip()]
        telling = [row for row in rows if self.part.old[row].strip()]
        if len(written) != len(telling):
            return None
        if len(telling) > 1:
            old = [self.part.old[row].strip().lower() for row in telling]
            low = [line.strip().lower() for line in written]
            for i, text in enumerate(old):
                own = fuzz.ratio(text, low[i])
                if own < _PAIR or any(fuzz.ratio(text, low[k]) > own for k in range(len(low)) if k != i):
                    return None
        return list(zip(telling, written, strict=True))

    def _with_tail(self, line: str, at: int, level: Alike) -> str:
        if level is not Alike.TAIL:
            return line
        comment = tail(self.lines[at], self.language)
        return line if tail(line, self.language) else line + comment

    def _insertion(self, edit: Replacement, at: Mapping[int, int], new: Sequence[str]) -> Replacement:
        above = max((row for row in at if row < edit.start), default=None)
        below = min((row for row in at if row >= edit.start), default=None)
        if above is None and below is None:
            raise _NoPlace(self._missing(edit.start if edit.start < len(self.part.old) else 0))
        if below is None:
            place = at[above] + 1 if above is not None else 0
        elif above is None or at[below] == at[above] + 1:
            place = at[below]
        else:
            place = self._in_gap(at[above] + 1, at[below], new)
        lines = self._once_blank(new, place, place, edit, at)
        return Replacement(place, place, tuple(lines))

    def _in_gap(self, low: int, high: int, new: Sequence[str]) -> int:
        """Where among lines that the part passes over new ones go: by their own blank lines, if those are."""
        skipped = [self.lines.text(row) for row in range(low, high)]
        if any(skipped):
            row = next(i for i, text in enumerate(skipped) if text)
            raise _NoPlace(
                self._refusal(
                    f"leaves out line {low + row + 1} of the file ({skipped[row][:60]!r}) where it inserts; "
                    "on which side of it the new lines go is not said. Show it",
                    [LineRange(low + 1, high)],
                )
            )
        return high if new and not new[-1].strip() else low

    def _once_blank(
        self, new: Sequence[str], start: int, end: int, edit: Replacement, at: Mapping[int, int]
    ) -> list[str]:
        """The new lines without blank ones at their ends that the file has and the old lines left out."""
        lines = list(new)
        below = min((at[row] for row in at if row >= edit.end), default=None)
        above = max((at[row] for row in at if row < edit.start), default=None)
        if below is not None and below > end and not self.lines.text(end):
            while lines and not lines[-1].strip():
                lines.pop()
        if above is not None and above + 1 < start and not self.lines.text(start - 1):
            while lines and not lines[0].strip():
                lines.pop(0)
        return lines

    # ---- refusals

    def _refusal(
        self,
        what: str,
        candidates: Collection[LineRange] = (),
        reason: RefusalReason = RefusalReason.NO_MATCH,
    ) -> Refusal:
        part = self.part
        message = f"The {part.what} at line {part.line} of the edit {what}."
        return Refusal(reason, message, tuple(candidates)[:_SHOWN], part.line)

    def _missing(self, row: int, chain: _Chain | None = None) -> Refusal:
        row = min(row, len(self.part.old) - 1)
        text = self.part.old[row].strip()
        others = [chain] if chain is not None and chain.at else []
        return self._refusal(
            f"shows {text[:120]!r}, and the file has no such line there, nor one that differs in looks only. "
            "Copy the old lines from the file",
            _ranges(others),
        )

    def _ambiguous(self, firsts: Sequence[int], chains: Sequence[_Chain] = ()) -> Refusal:
        ranges = sorted(set(_ranges(chains)), key=lambda place: place.start)
        lines = ", ".join(str(place.start) for place in ranges[:_SHOWN])
        return self._refusal(
            f"fits at {max(len(ranges), 2)} places alike (lines {lines}). Add unchanged lines around the "
            "change until it fits at one",
            ranges,
            RefusalReason.AMBIGUOUS_MATCH,
        )


def _weight(line: str) -> float:
    return 1.0 + min(letters(line), 40) / 10


def _walk(
    best: Mapping[tuple[int, int], tuple[float, tuple[int, int] | None]], pair: tuple[int, int]
) -> dict[int, int]:
    found: dict[int, int] = {}
    at: tuple[int, int] | None = pair
    while at is not None:
        found[at[0]] = at[1]
        at = best[at][1]
    return found


def _ranges(chains: Sequence[_Chain]) -> list[LineRange]:
    return [LineRange(min(chain.at.values()) + 1, max(chain.at.values()) + 1) for chain in chains]


def _common(one: str, other: str) -> tuple[int, int]:
    """Characters that two texts share at the start, and at the end of what is left."""
    shorter = min(len(one), len(other))
    head = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    end = next((i for i in range(shorter - head) if one[-1 - i] != other[-1 - i]), shorter - head)
    return head, end


# ---- part of a line

_OPENS, _CLOSES = frozenset("{}()[];,>:|& \t"), frozenset("{}()[];,<:|& \t")


def _within_line(source: SourceText, part: Part, language: str | None, stated: Stated) -> Aligned | None:
    """A one-line search text that stands once within a line, between marks that part statements or items."""
    text = part.old[0].strip()
    if len(part.new) > 1 or len(text) < 3 or not is_telling(text):
        return None
    found: list[tuple[int, int]] = []
    for row in source.lines.rows_with(text):
        line = source.lines[row]
        at = line.find(text)
        while at >= 0:
            found.append((row, at))
            at = line.find(text, at + 1)
        if len(found) > 1:
            return None
    if len(found) != 1 or not stated.allows(found[0][0], found[0][0]):
        return None
    row, at = found[0]
    line = source.lines[row]
    before, after = line[:at], line[at + len(text) :]
    if before.strip() and before[-1] not in _OPENS and text[0] not in _OPENS:
        return None
    if after.strip() and after[0] not in _CLOSES and text[-1] not in _CLOSES:
        return None
    if not _parts_statements(before, after, text):
        return None
    new = part.new[0].strip() if part.new else ""
    return Aligned((Replacement(row, row + 1, (before + new + after,)),), CONFIDENCE[Alike.TAIL])


def _parts_statements(before: str, after: str, text: str) -> bool:
    """Whether a text is a statement or an item of its line by itself."""
    opened = not before.strip() or before.rstrip()[-1] in "{}([;,>"
    closed = not after.strip() or after.lstrip()[0] in "})];,<" or text[-1] in ";}"
    return opened and closed
