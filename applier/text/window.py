"""The part of a file that the apply model reads and rewrites.

A window is a set of kept line ranges. Between, before and after them lie gaps: runs of lines that the model
never sees and that are copied byte for byte, so a result can only differ inside the kept ranges.

A window's text is a list of items: a line without its line end, or `GAP` for one elided run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .line_diff import changes

Item = str | None
GAP: Final = None


class WindowError(ValueError):
    """A merged window whose gaps are not the original's gaps, each once and in order."""


@dataclass(frozen=True, slots=True)
class Window:
    """Kept ranges of a file of `total` lines: half-open, 0-based, ascending, disjoint and not touching.

    An empty range `(i, i)` is allowed: it stands between two gaps (or at an end of the file) where lines may
    be inserted. `lead` says how clear it is that the edit belongs there: how far behind the next best place
    for a part of it is, in % of the evidence for the best.
    """

    total: int
    ranges: tuple[tuple[int, int], ...]
    lead: int = 100

    def __post_init__(self) -> None:
        last = -1
        for start, end in self.ranges:
            if not last < start <= end <= self.total:
                raise ValueError(f"ranges must ascend within 0..{self.total} and not touch: {self.ranges}")
            last = end

    @staticmethod
    def whole(total: int) -> Window:
        """The window that keeps every line."""
        return Window(total, ((0, total),))

    @property
    def size(self) -> int:
        """Number of kept lines."""
        return sum(end - start for start, end in self.ranges)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """The elided runs, half-open, in order; never empty runs."""
        edges = [0, *(edge for kept in self.ranges for edge in kept), self.total]
        return tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)

    def spans(self) -> list[tuple[int, int, bool]]:
        """`(start, end, kept)` for every run of the file in order."""
        runs = [(a, b, True) for a, b in self.ranges] + [(a, b, False) for a, b in self.gaps]
        return sorted(runs, key=lambda run: (run[0], run[1]))

    def items(self, lines: Sequence[str]) -> list[Item]:
        """The window's text: kept lines, with one `GAP` for every elided run."""
        out: list[Item] = []
        for start, end, kept in self.spans():
            if kept:
                out.extend(lines[start:end])
            else:
                out.append(GAP)
        return out

    def line_numbers(self) -> list[int | None]:
        """For every item of `items`, its 0-based line, or None for a gap."""
        out: list[int | None] = []
        for start, end, kept in self.spans():
            if kept:
                out.extend(range(start, end))
            else:
                out.append(None)
        return out

    def pieces(self, merged: Sequence[Item]) -> list[tuple[int, int, list[str]]]:
        """`(start, end, lines)` for every run between gaps: what replaces the kept lines `start` to `end`.

        Raises WindowError unless `merged` holds every gap once, with nothing outside of an outer gap.
        """
        found = sum(item is GAP for item in merged)
        if found != len(self.gaps):
            raise WindowError(f"the merged window has {found} elided runs, the original has {len(self.gaps)}")
        edges = [0, *(edge for gap in self.gaps for edge in gap), self.total]
        pieces: list[tuple[int, int, list[str]]] = [
            (start, end, []) for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]
        number = 0
        for item in merged:
            if item is GAP:
                number += 1
            else:
                pieces[number][2].append(item)
        for start, end, lines in pieces:
            if lines and not any(a <= start and end <= b for a, b in self.ranges):
                raise WindowError(f"the merged window writes at line {start + 1}, which it does not keep")
        return pieces

    def assemble(self, lines: Sequence[str], merged: Sequence[Item]) -> list[str]:
        """The whole new file: `merged` with the gaps' original lines put back. Raises WindowError."""
        out: list[str] = []
        for (_, _, written), (start, end) in zip(self.pieces(merged), [*self.gaps, (0, 0)], strict=True):
            out.extend(written)
            out.extend(lines[start:end])
        return out

    def project(self, old: Sequence[str], new: Sequence[str]) -> list[Item] | None:
        """The merged window that turns `old` into `new`, or None where a change falls inside a gap."""
        blocks: list[tuple[int, int, int]] = []
        at_old = at_new = 0
        for change in changes(old, new):
            blocks.append((at_old, change.a_start, at_new))
            at_old, at_new = change.a_end, change.b_end
        blocks.append((at_old, len(old), at_new))
        return self._place_gaps(blocks, new)

    def _place_gaps(self, blocks: list[tuple[int, int, int]], new: Sequence[str]) -> list[Item] | None:
        out: list[Item] = []
        done = 0
        for start, end in self.gaps:
            home = next((b for b in blocks if b[0] <= start and end <= b[1]), None)
            if home is None:
                return None
            at = home[2] + start - home[0]
            if start == 0 and at:
                return None
            out.extend(new[done:at])
            out.append(GAP)
            done = at + end - start
        if self.gaps and self.gaps[-1][1] == self.total and done < len(new):
            return None
        out.extend(new[done:])
        return out
