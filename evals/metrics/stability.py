"""Edit stability: does the same edit of the same file give the same diff, run after run?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.metrics.agreement import distinct_outputs


@dataclass(frozen=True, slots=True)
class EditStability:
    """Share of edits with one distinct diff over all their runs, raw and whitespace-normalised."""

    raw: float
    whitespace_normalised: float
    edits: int
    runs: int


def normalise_whitespace(diff: bytes) -> bytes:
    """The diff with every run of blanks inside a line as one space, none at line ends, and no blank lines.

    Two results that differ in indentation depth or in line ends alone normalise to the same bytes.
    """
    lines = (
        b" ".join(line.split()) for line in diff.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    )
    return b"\n".join(line for line in lines if line)


def edit_stability(diffs: Sequence[Sequence[bytes]]) -> EditStability:
    """`diffs[edit][run]`; a refused run is the empty diff, and refusing now and then is instability as well.

    Raises ValueError for no edits or an edit without runs.
    """
    if not diffs or any(not runs for runs in diffs):
        raise ValueError("edit stability needs at least one edit and one run of each")
    raw = sum(distinct_outputs(runs) == 1 for runs in diffs)
    normalised = sum(distinct_outputs(normalise_whitespace(d) for d in runs) == 1 for runs in diffs)
    return EditStability(
        raw=raw / len(diffs),
        whitespace_normalised=normalised / len(diffs),
        edits=len(diffs),
        runs=sum(len(runs) for runs in diffs),
    )
