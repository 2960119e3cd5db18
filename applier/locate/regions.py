"""The regions of a file that a window keeps: around anchors, around blocks, and where new code can land."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise

from ..parse.chunks import Chunk
from ..text.blocks import Scopes
from ..text.definitions import header_name
from ..text.file_lines import FileLines
from .anchors import Anchor
from .chain import Chain

Range = tuple[int, int]

MAX_RUN = 150  # lines between two anchors of one chunk that are kept; more is an omitted marker
NEAR_END = 30  # a chunk without a marker towards the end of the file, this near to it, reaches it
SHORT_SCOPE = 80
MAX_SCOPE = 400  # lines of an old definition that a rewritten one replaces
_IMPORT = re.compile(r"\s*(?:import|from|use|using|#\s*include|require|package|const .*require\()\b")


class Regions:
    """Regions of one edit. `indents` are the edit's, -1 for blank lines; ranges may leave the file by a
    margin.
    """

    def __init__(
        self,
        lines: FileLines,
        scopes: Scopes,
        edit_lines: Sequence[str],
        chunks: Sequence[Chunk],
        indents: Sequence[int],
        margin: int,
        rng: random.Random | None,
    ) -> None:
        self.lines, self.scopes, self.edit_lines = lines, scopes, edit_lines
        self.chunks, self.indents = chunks, indents
        self.margin, self.rng = margin, rng
        self.total = len(lines)

    def side(self) -> int:
        if self.rng is None:
            return self.margin
        half = self.margin // 2
        return self.rng.randint(self.margin - half, self.margin + half)

    def around(self, chunk: Chunk, anchors: Sequence[Anchor]) -> list[Range]:
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
                    out.append((self.total - self.side(), self.total))
            out.append((low - self.side(), high + self.side()))
        return out

    def _ends_alike(self) -> bool:
        """Whether edit and file end in the same line."""
        ours = next((line.strip() for line in reversed(self.edit_lines) if line.strip()), "")
        return ours == next((text for line in reversed(self.lines) if (text := line.strip())), None)

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
        end = self.scopes.end(anchor.line) + 1
        return end if end - anchor.line <= MAX_SCOPE else 0

    def enclosing(self, chunk: Chunk, anchors: Sequence[Anchor], chain: Chain) -> list[Range]:
        """The short block around a chunk whose outer lines are its own: they may replace any of it."""
        indent = next(self.indents[i] for i in range(chunk.start, chunk.end) if self.indents[i] >= 0)
        own = self._own_lines(chunk.start, anchors[0].edit) + self._own_lines(anchors[-1].edit + 1, chunk.end)
        heads = [a for a in chain.anchors if a.edit < chunk.start and 0 <= self.indents[a.edit] < indent]
        if own < 2 or not heads:
            return []
        start, end = heads[-1].line, self.scopes.end(heads[-1].line) + 1
        return [(start, end)] if end - start <= SHORT_SCOPE and start < anchors[0].line < end else []

    def landing(self, number: int, chunk: Chunk, chain: Chain) -> list[Range]:
        """Where a chunk without anchor goes: an end of the file or of a block, or beside its neighbours."""
        out: list[Range] = []
        size = self._own_lines(chunk.start, chunk.end)
        if number == 0 and not chunk.marker_before:
            imports = [i for i, text in enumerate(self.lines[:200]) if _IMPORT.match(text)]
            out.append((0, max([0, *imports]) + 1 + self.side()))
        if number == len(self.chunks) - 1 and not chunk.marker_after:
            out.append((self.total - size - self.side(), self.total))
        before = [a for a in chain.anchors if a.edit < chunk.start]
        after = [a for a in chain.anchors if a.edit >= chunk.end]
        indent = min(self.indents[i] for i in range(chunk.start, chunk.end) if self.indents[i] >= 0)
        head = next((a for a in reversed(before) if self.indents[a.edit] < indent), None)
        if head is not None:
            end = self.scopes.end(head.line) + 1
            out.append((end - self.side(), end + self.side()))
        if before:
            out.append((before[-1].line, before[-1].line + 1 + size + self.side()))
        if after:
            out.append((after[0].line - self.side(), after[0].line + 1))
        return out


def merge_ranges(ranges: Sequence[Range], total: int, nearest: int) -> tuple[Range, ...]:
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
