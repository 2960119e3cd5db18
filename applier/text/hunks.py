"""Line diffs that tell where texts change: minimal, deterministic, and fused the way a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

from .line_cache import letters
from .line_diff import same_ends

MAX_FUSED = 3
NEAR = 3  # lines; as much as the context of a unified diff


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines [old_start, old_end) of the old file become [new_start, new_end) of the new one."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int

    @property
    def removed(self) -> int:
        """Lines taken away."""
        return self.old_end - self.old_start

    @property
    def added(self) -> int:
        """Lines put in."""
        return self.new_end - self.new_start


def is_weak(line: str) -> bool:
    """A line that says nothing about where it stands: blank, or brackets and punctuation."""
    return letters(line) < 3


def line_hunks(old: Sequence[str], new: Sequence[str]) -> list[Hunk]:
    """The changes from `old` to `new`, in order. Changes that only weak lines separate become one."""
    head, tail = same_ends(old, new)
    core_old, core_new = old[head : len(old) - tail], new[head : len(new) - tail]
    hunks: list[Hunk] = []
    for code in LCSseq.opcodes(core_old, core_new):
        if code.tag == "equal":
            continue
        hunk = Hunk(head + code.src_start, head + code.src_end, head + code.dest_start, head + code.dest_end)
        if hunks and _joined(old, hunks[-1], hunk):
            hunk = Hunk(hunks[-1].old_start, hunk.old_end, hunks[-1].new_start, hunk.new_end)
            hunks[-1] = hunk
        else:
            hunks.append(hunk)
    return [_slide(old, new, hunk) for hunk in hunks]


def hunks_elsewhere(old: Sequence[str], wanted: Sequence[str], new: Sequence[str]) -> int:
    """Hunks from `old` to `new` that are more than NEAR lines from every hunk from `old` to `wanted`."""
    return len(elsewhere(line_hunks(old, wanted), line_hunks(old, new)))


def elsewhere(meant: Sequence[Hunk], hunks: Sequence[Hunk]) -> list[Hunk]:
    """Those of `hunks` that are more than NEAR lines of the old text from every one that is meant."""
    return [hunk for hunk in hunks if not any(_near(hunk, edit) for edit in meant)]


def _near(hunk: Hunk, edit: Hunk) -> bool:
    return hunk.old_start <= edit.old_end + NEAR and edit.old_start <= hunk.old_end + NEAR


def _joined(old: Sequence[str], before: Hunk, after: Hunk) -> bool:
    between = old[before.old_end : after.old_start]
    return len(between) <= MAX_FUSED and all(is_weak(line) for line in between)


def _slide(old: Sequence[str], new: Sequence[str], hunk: Hunk) -> Hunk:
    """A pure insertion or deletion that may stand in several places: prefer the one that starts with a
    blank line, else the one whose last line is blank or closes nothing.
    """
    if hunk.added and hunk.removed:
        return hunk
    best, best_score = hunk, _slide_score(old, new, hunk)
    current = hunk
    while (moved := _up(old, new, current)) is not None:
        current = moved
        score = _slide_score(old, new, current)
        if score > best_score:
            best, best_score = current, score
    return best


def _up(old: Sequence[str], new: Sequence[str], hunk: Hunk) -> Hunk | None:
    lines, start, end = (
        (new, hunk.new_start, hunk.new_end) if hunk.added else (old, hunk.old_start, hunk.old_end)
    )
    if not hunk.old_start or not hunk.new_start or lines[start - 1] != lines[end - 1]:
        return None
    if old[hunk.old_start - 1] != new[hunk.new_start - 1]:
        return None
    return Hunk(hunk.old_start - 1, hunk.old_end - 1, hunk.new_start - 1, hunk.new_end - 1)


def _slide_score(old: Sequence[str], new: Sequence[str], hunk: Hunk) -> int:
    lines = new[hunk.new_start : hunk.new_end] if hunk.added else old[hunk.old_start : hunk.old_end]
    if not lines[0].strip():
        return 3
    if not lines[-1].strip():
        return 2
    indents = [len(line) - len(line.lstrip()) for line in (lines[0], lines[-1])]
    return 1 if indents[0] == indents[1] and not is_weak(lines[0]) else 0
