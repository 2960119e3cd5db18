"""An edit laid over a window: segments between pivots, each with its readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...text.window import Item
from ..costs import SETTINGS, Costs
from ..input import Scene
from ..render import Writer
from ..similarity import Likeness
from ..table import Step
from ..table_native import alignments
from .features import Features, Segment
from .habits import Habits
from .pivots import cut, pivots
from .polish import Line, Polish
from .units import by_name
from .variants import Reading, Variants, written


@dataclass(frozen=True, slots=True)
class Analysis:
    """`segments` with their readings, and the line written at each of the `pivots` between them."""

    segments: list[tuple[Segment, list[Reading]]]
    pivots: list[Item]
    features: Features

    def merged(self, chosen: Sequence[Reading]) -> list[Item]:
        """The merged window that one reading a segment gives."""
        out: list[Item] = []
        for number, reading in enumerate(chosen):
            out += reading.texts
            if number < len(self.pivots):
                out.append(self.pivots[number])
        return out


def analyse(
    scene: Scene,
    language: str | None,
    settings: Sequence[Costs] = SETTINGS,
    likeness: Likeness | None = None,
    aligned: Sequence[tuple[list[Step], list[int]]] | None = None,
) -> Analysis:
    """All readings of an edit, segment by segment. `likeness` and `aligned` as in `candidates.readings`."""
    likeness = likeness or Likeness.of(scene)
    votes: dict[tuple[Step, ...], set[int]] = {}
    for steps, numbers in aligned or alignments(scene, likeness, settings):
        votes.setdefault(tuple(steps), set()).update(numbers)
    named = by_name(scene, likeness)
    if named is not None:
        for steps, numbers in alignments(scene, named, settings):
            votes.setdefault(tuple(steps), set()).update(number + len(settings) for number in numbers)
    found = list(votes.items())
    at = pivots(scene, [steps for steps, _ in found])
    writers = [Writer(scene, steps) for steps, _ in found]
    pieces = [cut(steps, at) for steps, _ in found]
    lines = [writers[0].line(row, column) for row, column in at]
    sent = [writers[0].new_line(row) for row in range(len(scene.edit))]
    habits = Habits.of(scene.items)
    ends = [*at, (len(scene.edit), len(scene.items))]
    segments: list[tuple[Segment, list[Reading]]] = []
    row = column = 0
    for number, (end_row, end_column) in enumerate(ends):
        last = number == len(at)
        segment = Segment(
            number=number,
            count=len(ends),
            rows=tuple(range(row, end_row)),
            columns=tuple(range(column, end_column)),
            above=lines[number - 1] if number else None,
            below=None if last else lines[number],
            pivot_above=number > 0,
            pivot_below=not last,
        )
        bases: dict[tuple[Line, ...], set[int]] = {}
        for (_, voters), writer, piece in zip(found, writers, pieces, strict=True):
            bases.setdefault(written(scene, writer, piece[number]), set()).update(voters)
        if len(bases) == 1 and not any(map(scene.says, segment.rows)) and _keeps(bases, segment):
            readings = [Reading(*base) for base in bases.items()]
        else:
            polish = Polish(habits, segment.above, segment.below, strict=language == "json")
            readings = Variants(scene, segment.columns, polish, sent).of(list(bases.items()))
        segments.append((segment, readings))
        row, column = end_row + 1, end_column + 1
    return Analysis(segments, list(lines), Features(scene, language, len(settings)))


def _keeps(bases: dict[tuple[Line, ...], set[int]], segment: Segment) -> bool:
    return all(
        len(lines) == len(segment.columns) and all(line.row is None for line in lines) for lines in bases
    )
