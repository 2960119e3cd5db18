"""From the whole file to the window that an edit touches, so that cost follows the edit and not the file.

The edit's lines are chained to the file's (`anchors`). A window keeps the anchored regions with a margin, the
whole of a definition that the edit writes out in full, and the place where code without any anchor can go
(the head of the file for a leading chunk, its end for a trailing one, the end of the block for a new member).
The long runs between become gaps.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..parse.chunks import Chunk, cut_at_markers
from ..parse.markers import MarkerKind, find_markers, without_trailing_marker
from ..text.blocks import Scopes
from ..text.file_lines import FileLines
from ..text.indentation import indent_of
from ..text.window import Window
from ..types import LineRange, Refusal, RefusalReason
from .anchors import (
    INFORMATION_CAP,
    Anchor,
    exact_anchors,
    fuzzy_anchors,
    log2_eighths,
    named_anchors,
    nearest_place,
)
from .chain import Chain, best_chain
from .regions import Range, Regions, merge_ranges

MARGIN = 10
SMALL_FILE = 80
MEDIUM_FILE = 200  # a file up to here is kept whole when half of it would be
EDGE_LINES = 2
MAX_STRAY = 3
MAX_CANDIDATES_SHOWN = 8
CLEAR_LEAD = 25  # % of `Window.lead` from which a search text is not looked for by similarity
STRONG_ALTERNATIVE = 0.9  # of the best chain's score: another place that is kept in the window too


def locate(
    lines: Sequence[str],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    margin: int = MARGIN,
    small_file: int = SMALL_FILE,
    markers: Mapping[int, MarkerKind] | None = None,
    rng: random.Random | None = None,
    anchored: bool = False,
) -> Window | Refusal:
    """The window of `lines` that `edit_lines` touches.

    A file of up to `small_file` lines is kept whole. `margin` lines are kept on each side of every region;
    with `rng` (training) each side draws its own from margin ± margin // 2. `markers` are the edit's
    elision markers (`find_markers`), found here when None. With `anchored` (a search text, a hunk) an edit
    of which no line stands in the file is refused; without, a snippet goes to an end of the file. Returns a
    Refusal when nothing of the edit stands in the file, or when several places are equally good.
    """
    if markers is None:
        markers = find_markers(edit_lines, language)
    file = FileLines.of(lines)
    shown = edit_lines if anchored else _without_remarks(file, edit_lines, markers, language)
    window = _Locator(file, shown, markers, margin, rng, anchored).window()
    if len(lines) > small_file:
        return window
    if isinstance(window, Window):
        return replace(window, ranges=((0, len(lines)),))
    return window if window.reason is RefusalReason.AMBIGUOUS_MATCH else Window.whole(len(lines))


def _without_remarks(
    file: FileLines, edit_lines: Sequence[str], markers: Mapping[int, MarkerKind], language: str | None
) -> list[str]:
    """The lines without marker comments at their ends, which are not the file's."""
    file.seek(edit_lines)
    return [
        line if number in markers or file.has(line) else without_trailing_marker(line, language)
        for number, line in enumerate(edit_lines)
    ]


class _Locator:
    def __init__(
        self,
        lines: FileLines,
        edit_lines: Sequence[str],
        markers: Mapping[int, MarkerKind],
        margin: int,
        rng: random.Random | None,
        anchored: bool,
    ) -> None:
        self.lines, self.scopes = lines, Scopes(lines)
        self.total = len(lines)
        self.edit_lines = edit_lines
        self.margin, self.anchored = margin, anchored
        elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in range(len(edit_lines))]
        self.markers = markers
        self.chunks: list[Chunk] = cut_at_markers(elides, edit_lines)
        self.chunk_of = [-1] * len(edit_lines)
        for number, chunk in enumerate(self.chunks):
            for line in range(chunk.start, chunk.end):
                self.chunk_of[line] = number
        self.wanted = [
            i for i, c in enumerate(self.chunk_of) if c >= 0 and i not in markers and edit_lines[i].strip()
        ]
        self.indents = [indent_of(line) if line.strip() else -1 for line in edit_lines]
        self.regions = Regions(lines, self.scopes, edit_lines, self.chunks, self.indents, margin, rng)

    def window(self) -> Window | Refusal:
        if not self.wanted or not self.chunks:
            return self._no_match(0)
        exact = self._stress_edges(exact_anchors(self.lines, self.edit_lines, self.wanted))
        candidates = exact + named_anchors(self.lines, self.edit_lines, self.wanted)
        chain = self._chain(candidates)
        weak = self._weak(chain)
        if weak:
            candidates += self._similar(chain, weak)
            chain = self._chain(candidates)
        if self.anchored and not chain.anchors:
            return self._no_match(0)
        if self.anchored and self._lead(chain) < CLEAR_LEAD:
            # Of lines that should all stand there, the misspelt ones tell places apart.
            candidates += fuzzy_anchors(self.lines, self.edit_lines, self.wanted, 0, self.total)
            place = nearest_place(self.lines, self.edit_lines, candidates)
            if place is not None:
                candidates = [a for a in candidates if 0 <= a.line - place < len(self.edit_lines)]
            chain = self._chain(candidates)
        if tie := self._tie(chain):
            return tie
        kept: list[Range] = []
        for number, chunk in enumerate(self.chunks):
            anchors = [a for a in chain.anchors if self.chunk_of[a.edit] == number]
            if anchors:
                kept += self.regions.around(chunk, anchors) + self._alternatives(number, anchors, chain)
                kept += self.regions.enclosing(chunk, anchors, chain)
                if number in weak:
                    kept += self.regions.landing(number, chunk, chain)
            else:
                places = self._dropped(number, candidates) or self.regions.landing(number, chunk, chain)
                if not places and not chain.anchors:
                    return self._no_match(chunk.start)
                kept += places
        kept += self._stray(exact, kept)
        ranges = merge_ranges(kept, self.total, max(2, self.margin // 2))
        window = Window(self.total, ranges, self._lead(chain))
        small = self.total <= MEDIUM_FILE and 2 * window.size > self.total
        return replace(window, ranges=((0, self.total),)) if small else window

    def _stress_edges(self, anchors: Sequence[Anchor]) -> list[Anchor]:
        """Anchors with more weight on the outer lines of chunks: those are context, while an inner line may
        be new code that resembles code elsewhere.
        """
        outer = set()
        for chunk in self.chunks:
            shown = [i for i in range(chunk.start, chunk.end) if self.indents[i] >= 0]
            outer.update(shown[:EDGE_LINES] + shown[-EDGE_LINES:])
        return [a._replace(weight=a.weight * 3 // 2) if a.edit in outer else a for a in anchors]

    def _stray(self, exact: Sequence[Anchor], kept: Sequence[Range]) -> list[Range]:
        """Places outside the chain where a long line stands that the file has once."""
        bar = INFORMATION_CAP * log2_eighths(1 + self.total) * 3 // 4
        counts = Counter(a.edit for a in exact)
        stray = [
            a
            for a in exact
            if counts[a.edit] == 1
            and a.weight >= bar
            and not any(start <= a.line < end for start, end in kept)
        ]
        best = sorted(stray, key=lambda a: (-a.weight, a.edit))[:MAX_STRAY]
        return [(a.line - self.regions.side(), a.line + 1 + self.regions.side()) for a in best]

    def _chain(self, candidates: Sequence[Anchor]) -> Chain:
        unique = {(a.edit, a.line): a for a in candidates}
        return best_chain(list(unique.values()), self.chunk_of, self.indents, self.scopes.end)

    def _weak(self, chain: Chain) -> list[int]:
        """Chunks whose anchors weigh less than half of what a single long, unique line would."""
        weights = [0] * len(self.chunks)
        for anchor in chain.anchors:
            weights[self.chunk_of[anchor.edit]] += anchor.weight
        bar = INFORMATION_CAP * log2_eighths(1 + self.total) // 2
        return [number for number, weight in enumerate(weights) if weight < bar]

    def _similar(self, chain: Chain, weak: Sequence[int]) -> list[Anchor]:
        """Similar lines for weak chunks, between the anchors of their neighbours."""
        out = []
        for number in weak:
            chunk = self.chunks[number]
            low = max((a.line + 1 for a in chain.anchors if a.edit < chunk.start), default=0)
            high = min((a.line for a in chain.anchors if a.edit >= chunk.end), default=self.total)
            wanted = [i for i in self.wanted if chunk.start <= i < chunk.end]
            out += fuzzy_anchors(self.lines, self.edit_lines, wanted, low, high)
        return out

    def _lead(self, chain: Chain) -> int:
        """How far behind the best chain that puts some chunk elsewhere is, in % of the chunk's anchors."""
        lead = 100
        for number in range(len(self.chunks)):
            chosen = [a for a in chain.anchors if self.chunk_of[a.edit] == number]
            if not chosen:
                continue
            low, high = chosen[0].line, chosen[-1].line
            others = [
                score
                for a, score in zip(chain.candidates, chain.through, strict=True)
                if self.chunk_of[a.edit] == number and not low <= a.line <= high
            ]
            if others:
                lead = min(lead, 100 * (chain.score - max(others)) // sum(a.weight for a in chosen))
        return lead

    def _tie(self, chain: Chain) -> Refusal | None:
        """A refusal when another place takes the same lines of the edit at the same score."""
        for number in range(len(self.chunks)):
            chosen = [a for a in chain.anchors if self.chunk_of[a.edit] == number]
            if not chosen:
                continue
            low, high = chosen[0].line, chosen[-1].line
            ties = sorted(
                {
                    a.line
                    for a, score in zip(chain.candidates, chain.through, strict=True)
                    if self.chunk_of[a.edit] == number and score >= chain.score and not low <= a.line <= high
                }
            )
            if ties:
                places = sorted({low, *ties})[:MAX_CANDIDATES_SHOWN]
                return Refusal(
                    RefusalReason.AMBIGUOUS_MATCH,
                    f"line {chosen[0].edit + 1} of the edit fits {len(ties) + 1} places of the file "
                    "equally well; add an unchanged line that only one has, or the head of its definition",
                    tuple(LineRange(at + 1, min(at + 1 + high - low, self.total)) for at in places),
                    chosen[0].edit + 1,
                )
        return None

    def _no_match(self, start: int) -> Refusal:
        number = next((i for i in self.wanted if i >= start), start)
        return Refusal(
            RefusalReason.NO_MATCH,
            f"no line of the edit from its line {number + 1} on stands in the file, nor a similar one; "
            "add unchanged lines around the change",
            (),
            number + 1,
        )

    def _alternatives(self, number: int, chosen: Sequence[Anchor], chain: Chain) -> list[Range]:
        """Other places of the chunk that are nearly as good: the model sees them beside the best one."""
        low, high = chosen[0].line - self.margin, chosen[-1].line + self.margin
        bar = chain.score - (1 - STRONG_ALTERNATIVE) * sum(a.weight for a in chosen)
        places = [
            (score, -a.line)
            for a, score in zip(chain.candidates, chain.through, strict=True)
            if self.chunk_of[a.edit] == number and score >= bar and not low <= a.line <= high
        ]
        best = sorted(places, reverse=True)[:2]
        return [(-line - self.regions.side(), -line + 1 + self.regions.side()) for _, line in best]

    def _dropped(self, number: int, candidates: Sequence[Anchor]) -> list[Range]:
        """Regions of a chunk that stands out of order: its own best chain, whatever its neighbours'."""
        own = [a for a in candidates if self.chunk_of[a.edit] == number]
        chain = self._chain(own)
        if not chain.anchors or chain.score < 8 * 16:
            return []
        return self.regions.around(self.chunks[number], chain.anchors)
