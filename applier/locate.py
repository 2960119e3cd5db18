"""From the whole file to the window that an edit touches, so that cost follows the edit and not the file.

The edit's lines are chained to the file's (`anchors`). A window keeps the anchored regions with a margin, the
whole of a definition that the edit writes out in full, and the place where code without any anchor can go
(the head of the file for a leading chunk, its end for a trailing one, the end of the block for a new member).
The long runs between become gaps.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from .anchors import (
    INFORMATION_CAP,
    Anchor,
    Chain,
    Chunk,
    FileIndex,
    best_chain,
    chunks,
    exact_anchors,
    fuzzy_anchors,
    header_name,
    indent_of,
    log2_eighths,
    named_anchors,
)
from .markers import MarkerKind, find_markers
from .types import LineRange, Refusal, RefusalReason
from .window import Window

MARGIN = 10
SMALL_FILE = 80
MAX_RUN = 150  # lines between two anchors of one chunk that are kept; more is an omitted marker
NEAR_END = 30  # a chunk without a marker towards the end of the file, this near to it, reaches it
MEDIUM_FILE = 200  # a file up to here is kept whole when half of it would be
EDGE_LINES = 2
MAX_STRAY = 3
SHORT_SCOPE = 80
MAX_SCOPE = 400  # lines of an old definition that a rewritten one replaces
MAX_CANDIDATES_SHOWN = 8
STRONG_ALTERNATIVE = 0.9  # of the best chain's score: another place that is kept in the window too
_IMPORT = re.compile(r"\s*(?:import|from|use|using|#\s*include|require|package|const .*require\()\b")

Range = tuple[int, int]


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
    if len(lines) <= small_file:
        return Window.whole(len(lines))
    return _Locator(lines, edit_lines, markers, margin, rng, anchored).window()


class _Locator:
    def __init__(
        self,
        lines: Sequence[str],
        edit_lines: Sequence[str],
        markers: Mapping[int, MarkerKind],
        margin: int,
        rng: random.Random | None,
        anchored: bool,
    ) -> None:
        self.index = FileIndex(lines)
        self.total = len(lines)
        self.edit_lines = edit_lines
        self.margin = margin
        self.rng, self.anchored = rng, anchored
        elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in range(len(edit_lines))]
        self.markers = markers
        self.chunks = chunks(elides, edit_lines)
        self.chunk_of = [-1] * len(edit_lines)
        for number, chunk in enumerate(self.chunks):
            for line in range(chunk.start, chunk.end):
                self.chunk_of[line] = number
        self.wanted = [
            i for i, c in enumerate(self.chunk_of) if c >= 0 and i not in markers and edit_lines[i].strip()
        ]
        self.indents = [indent_of(line) if line.strip() else -1 for line in edit_lines]

    def window(self) -> Window | Refusal:
        if not self.wanted or not self.chunks:
            return self._no_match(0)
        exact = self._stress_edges(exact_anchors(self.index, self.edit_lines, self.wanted))
        candidates = exact + named_anchors(self.index, self.edit_lines, self.wanted)
        chain = self._chain(candidates)
        weak = self._weak(chain)
        if weak:
            candidates += self._similar(chain, weak)
            chain = self._chain(candidates)
        if self.anchored and not chain.anchors:
            return self._no_match(0)
        if tie := self._tie(chain):
            return tie
        kept: list[Range] = []
        for number, chunk in enumerate(self.chunks):
            anchors = [a for a in chain.anchors if self.chunk_of[a.edit] == number]
            if anchors:
                kept += self._regions(chunk, anchors) + self._alternatives(number, anchors, chain)
                kept += self._enclosing(chunk, anchors, chain)
                if number in weak:
                    kept += self._landing(number, chunk, chain)
            else:
                places = self._dropped(number, candidates) or self._landing(number, chunk, chain)
                if not places and not chain.anchors:
                    return self._no_match(chunk.start)
                kept += places
        kept += self._stray(exact, kept)
        window = Window(self.total, _merge(kept, self.total, max(2, self.margin // 2)))
        small = self.total <= MEDIUM_FILE and 2 * window.size > self.total
        return Window.whole(self.total) if small else window

    def _stress_edges(self, anchors: Sequence[Anchor]) -> list[Anchor]:
        """Anchors with more weight on the outer lines of chunks: those are context, while an inner line may
        be new code that resembles code elsewhere.
        """
        outer = set()
        for chunk in self.chunks:
            shown = [i for i in range(chunk.start, chunk.end) if self.indents[i] >= 0]
            outer.update(shown[:EDGE_LINES] + shown[-EDGE_LINES:])
        return [replace(a, weight=a.weight * 3 // 2) if a.edit in outer else a for a in anchors]

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
        return [(a.line - self._side(), a.line + 1 + self._side()) for a in best]

    def _chain(self, candidates: Sequence[Anchor]) -> Chain:
        unique = {(a.edit, a.line): a for a in candidates}
        return best_chain(list(unique.values()), self.chunk_of, self.indents, self.index.scope_end)

    def _weak(self, chain: Chain) -> list[int]:
        """Chunks whose anchors say less than half of what one long line that stands once would say."""
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
            out += fuzzy_anchors(self.index, self.edit_lines, wanted, low, high)
        return out

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

    def _side(self) -> int:
        if self.rng is None:
            return self.margin
        half = self.margin // 2
        return self.rng.randint(self.margin - half, self.margin + half)

    def _regions(self, chunk: Chunk, anchors: Sequence[Anchor]) -> list[Range]:
        """The regions of one chunk: its anchors and what lies between, if a deletion can be that long."""
        runs = [[anchors[0]]]
        for before, after in pairwise(anchors):
            if after.line - before.line - (after.edit - before.edit) > MAX_RUN:
                runs.append([])
            runs[-1].append(after)
        out = []
        for run in runs:
            low, high = run[0].line, run[-1].line + 1
            if run is runs[0]:
                low -= self._own_lines(chunk.start, run[0].edit)
            if run is runs[-1]:
                high += self._own_lines(run[-1].edit + 1, chunk.end)
            high = max([high, *(self._definition_end(chunk, a) for a in run)])
            if run is runs[0] and chunk is self.chunks[0] and not chunk.marker_before and low <= NEAR_END:
                low = 0
            if run is runs[-1] and chunk is self.chunks[-1] and not chunk.marker_after:
                high = self.total if high >= self.total - NEAR_END else high
                if self._ends_alike():
                    out.append((self.total - self._side(), self.total))
            out.append((low - self._side(), high + self._side()))
        return out

    def _ends_alike(self) -> bool:
        """Whether edit and file end in the same line."""
        ours = next((line.strip() for line in reversed(self.edit_lines) if line.strip()), "")
        return ours == next((text for text in reversed(self.index.stripped) if text), None)

    def _own_lines(self, start: int, end: int) -> int:
        """Lines of the edit in `start` to `end`: as many may replace lines of the file there."""
        return sum(1 for i in range(start, end) if self.indents[i] >= 0)

    def _definition_end(self, chunk: Chunk, anchor: Anchor) -> int:
        """The end of a definition that the chunk writes out in full: its old body goes; else 0."""
        indent = self.indents[anchor.edit]
        inside = [i for i in range(anchor.edit + 1, chunk.end) if self.indents[i] >= 0]
        body = [i for i in inside if self.indents[i] > indent]
        if not body or self.indents[inside[0]] <= indent or header_name(self.edit_lines[anchor.edit]) is None:
            return 0
        left = any(self.indents[i] <= indent for i in inside)
        if not left and chunk.marker_after and self.indents[chunk.end] > indent:
            return 0
        end = self.index.scope_end(anchor.line) + 1
        return end if end - anchor.line <= MAX_SCOPE else 0

    def _enclosing(self, chunk: Chunk, anchors: Sequence[Anchor], chain: Chain) -> list[Range]:
        """The short block around a chunk whose outer lines are its own: they may replace any of it."""
        indent = next(self.indents[i] for i in range(chunk.start, chunk.end) if self.indents[i] >= 0)
        own = self._own_lines(chunk.start, anchors[0].edit) + self._own_lines(anchors[-1].edit + 1, chunk.end)
        heads = [a for a in chain.anchors if a.edit < chunk.start and 0 <= self.indents[a.edit] < indent]
        if own < 2 or not heads:
            return []
        start, end = heads[-1].line, self.index.scope_end(heads[-1].line) + 1
        return [(start, end)] if end - start <= SHORT_SCOPE and start < anchors[0].line < end else []

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
        return [(-line - self._side(), -line + 1 + self._side()) for _, line in best]

    def _dropped(self, number: int, candidates: Sequence[Anchor]) -> list[Range]:
        """Regions of a chunk that stands out of order: its own best chain, whatever its neighbours'."""
        own = [a for a in candidates if self.chunk_of[a.edit] == number]
        chain = self._chain(own)
        if not chain.anchors or chain.score < 8 * 16:
            return []
        return self._regions(self.chunks[number], chain.anchors)

    def _landing(self, number: int, chunk: Chunk, chain: Chain) -> list[Range]:
        """Where a chunk without anchor goes: an end of the file or of a block, or beside its neighbours."""
        out: list[Range] = []
        size = self._own_lines(chunk.start, chunk.end)
        if number == 0 and not chunk.marker_before:
            imports = [i for i, text in enumerate(self.index.lines[:200]) if _IMPORT.match(text)]
            out.append((0, max([0, *imports]) + 1 + self._side()))
        if number == len(self.chunks) - 1 and not chunk.marker_after:
            out.append((self.total - size - self._side(), self.total))
        before = [a for a in chain.anchors if a.edit < chunk.start]
        after = [a for a in chain.anchors if a.edit >= chunk.end]
        indent = min(self.indents[i] for i in range(chunk.start, chunk.end) if self.indents[i] >= 0)
        head = next((a for a in reversed(before) if self.indents[a.edit] < indent), None)
        if head is not None:
            end = self.index.scope_end(head.line) + 1
            out.append((end - self._side(), end + self._side()))
        if before:
            out.append((before[-1].line, before[-1].line + 1 + size + self._side()))
        if after:
            out.append((after[0].line - self._side(), after[0].line + 1))
        return out


def _merge(ranges: Sequence[Range], total: int, nearest: int) -> tuple[Range, ...]:
    """Sorted, clipped ranges, joined where fewer than `nearest` lines would be elided."""
    out: list[Range] = []
    for start, end in sorted((max(0, a), min(total, b)) for a, b in ranges):
        if start < nearest:
            start = 0
        if total - end < nearest:
            end = total
        if out and start - out[-1][1] < nearest:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)
