"""Wrong merges of an edit that look like the right one: other readings, and the slips that merges make."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import StrEnum

from rapidfuzz.distance import LCSseq

from applier.align.ranker import Judge
from applier.text.hunks import is_weak
from applier.text.window import GAP, Item
from training.calibration.ranker_cases import Aligned

READINGS = 6  # of an edit, best first
RIVALS = 8  # of an edit


class Cause(StrEnum):
    """Where a wrong merge comes from."""

    READING = "reading"
    SLIP = "slip"


def rivals(
    found: Aligned, truth: Sequence[Item], new: Sequence[str], rng: random.Random
) -> list[tuple[list[Item], Cause]]:
    """Up to RIVALS merged windows that do not give the file `new`, as `truth` does, readings first.

    All keep the gaps of the window and give different files.
    """
    judge = Judge.default()
    ordered = sorted(found.readings, key=lambda reading: -judge.score(reading.evidence))
    wrong = [(reading.merged, Cause.READING) for reading in ordered]
    slipped = list(slips(found.items, truth))
    rng.shuffle(slipped)
    seen = [list(new)]
    out: list[tuple[list[Item], Cause]] = []
    for merged, cause in [*wrong, *((each, Cause.SLIP) for each in slipped)]:
        if len(out) == (READINGS if cause is Cause.READING else RIVALS):
            continue
        result = found.result(merged)
        if result is not None and result not in seen:
            seen.append(result)
            out.append((list(merged), cause))
    return out


def slips(items: Sequence[Item], truth: Sequence[Item]) -> Iterator[list[Item]]:
    """The merged window `truth` with a line kept that is gone, without a kept line beside a change, or with
    an insertion at another place that is like its own.
    """
    truth = list(truth)
    for code in LCSseq.opcodes(items, truth):
        if code.tag == "equal":
            continue
        start, end = code.dest_start, code.dest_end
        gone = items[code.src_start : code.src_end]
        if gone and gone[0] is not GAP:
            yield [*truth[:start], gone[0], *truth[start:]]
        if gone and gone[-1] is not GAP:
            yield [*truth[:end], gone[-1], *truth[end:]]
        for beside in (start - 1, end):
            if 0 <= beside < len(truth) and truth[beside]:
                yield [*truth[:beside], *truth[beside + 1 :]]
        if not gone:
            yield from _moved(truth, start, end)


def _moved(truth: list[Item], start: int, end: int) -> Iterator[list[Item]]:
    """The insertion [start, end) behind lines like the one above it, before ones like the one below it, and
    on the other side of the paragraphs beside it.
    """
    chunk, rest = truth[start:end], [*truth[:start], *truth[end:]]
    above, below = (_text(rest, at) for at in (start - 1, start))
    places = {_edge(rest, start, -1), _edge(rest, start, 1)}
    for at in range(len(rest) + 1):
        if (above and _text(rest, at - 1) == above) or (below and _text(rest, at) == below):
            places.add(at)
    for at in sorted(places - {start}):
        yield [*rest[:at], *chunk, *rest[at:]]


def _text(items: Sequence[Item], at: int) -> str:
    """The line at a place, stripped; "" where there is none that says where it stands."""
    item = items[at] if 0 <= at < len(items) else None
    return item.strip() if item is not GAP and not is_weak(item) else ""


def _edge(items: Sequence[Item], at: int, way: int) -> int:
    """The other end of the lines of text that begin at a place."""
    while 0 <= (beside := at - (way < 0)) < len(items) and (items[beside] or "").strip():
        at += way
    return at
