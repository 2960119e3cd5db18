"""Every reading of an edit that some costs find best, and what speaks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..text.hunks import Hunk, line_hunks
from ..text.indentation import SAME, Shift, majority, shift_between
from ..text.line_cache import letters
from ..text.window import GAP, Item
from .costs import Costs
from .edge_features import border_evidence
from .input import Scene
from .insertions import Insertions
from .render import Writer
from .similarity import Likeness
from .step_features import step_evidence
from .table import DELETE, KEEP, Step
from .table_native import alignments
from .text_features import Traces

BY = "by_"  # begins the evidence that a setting gave a reading
MAX_CUT = 8  # lines outside of what an edit shows that may be gone
MOST_LINES = 2_000  # of a window in which readings are told apart: time and memory grow with its square
_HIDDEN = "hidden lines\n"  # in place of a gap: no line of a file, and no bracket


@dataclass(frozen=True, slots=True)
class Reading:
    """A merged window, its evidence, and the `hunks` from the window to it, where they were looked for."""

    merged: list[Item]
    evidence: Counter[str]
    hunks: tuple[Hunk, ...] = ()


def readings(
    scene: Scene,
    settings: Sequence[Costs],
    likeness: Likeness | None = None,
    aligned: Sequence[tuple[list[Step], list[int]]] | None = None,
) -> list[Reading]:
    """The different merged windows that the settings give, each also with the lines outside of the edit cut
    and with other indentation.

    The first setting's reading comes first. Evidence holds, besides that of the steps and of the text,
    `votes` (settings that gave the reading) and `by_N` for each of them, the magnitudes of edit (`shown`)
    and `window`, and whether only `Insertions` gave the reading (`sibling`) or some other one
    (`beside_sibling`). `likeness` and `aligned` are computed here where they are not given.
    """
    likeness = likeness or Likeness.of(scene)
    found: dict[tuple[Item, ...], tuple[list[Step], list[int]]] = {}
    aligned = aligned or alignments(scene, likeness, settings)
    for steps, numbers in aligned:
        writer = Writer(scene, steps)
        for variant in (steps, *_cuts(scene, steps)):
            merged = tuple(writer.write(variant))
            found.setdefault(merged, (variant, []))[1].extend(numbers)
        for shift in _shifts(scene, steps):
            if writer.differs_under(shift):
                merged = tuple(writer.write(shift=shift))
                found.setdefault(merged, (steps, []))[1].extend(numbers)
    others = len(found)
    insertions = Insertions(scene)
    written: dict[tuple[Step, ...], tuple[Item, ...]] = {}
    for steps, numbers in aligned:
        for variant in insertions.of(steps):
            key = tuple(variant)
            if key not in written:
                written[key] = tuple(Writer(scene, variant).write())
            found.setdefault(written[key], (variant, []))[1].extend(numbers)
    traces = Traces(scene)
    window = _without_gaps(scene.items)
    told_apart = len(found) > 1 and len(window) <= MOST_LINES
    out = []
    for number, (merged, (steps, votes)) in enumerate(found.items()):
        evidence = step_evidence(scene, steps, likeness.similar)
        evidence.update(border_evidence(scene, steps))
        evidence.update(traces.of(merged))
        evidence["shown"] = len(scene.edit).bit_length()
        evidence["window"] = len(scene.items).bit_length()
        evidence["votes"] = len(set(votes))
        evidence.update({BY + str(setting): 1 for setting in set(votes)})
        evidence["sibling"] = number >= others
        evidence["beside_sibling"] = number < others < len(found)
        hunks = line_hunks(window, _without_gaps(merged)) if told_apart else ()
        out.append(Reading(list(merged), Counter(evidence), tuple(hunks)))
    return out


def _without_gaps(items: Sequence[Item]) -> list[str]:
    return [_HIDDEN if item is GAP else item for item in items]


def _shifts(scene: Scene, steps: Sequence[Step]) -> list[Shift]:
    """How the indentation of the whole edit may map to the file's: as that of as many of its unchanged lines
    as keep theirs, or as that of most lines.
    """
    pairs: list[tuple[str, str]] = []
    votes: Counter[Shift] = Counter()
    for _, row, column in steps:
        if row is not None and column is not None and letters(scene.edit_texts[row]):
            ours, theirs = scene.edit[row], scene.items[column] or ""
            pairs.append((ours, theirs))
            if scene.edit_texts[row] == scene.item_texts[column]:
                votes[shift_between(ours, theirs)] += 1
    found = {shift for shift in votes if votes[shift] >= votes[SAME]}
    if pairs and not votes:
        found.add(majority(pairs))
    return sorted(found)


def _cuts(scene: Scene, steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps with the few lines gone that stay outside of what the edit shows, where it has no marker."""
    if not scene.edit or all(step.row is None for step in steps):
        return
    before = 0 if scene.elides[0] else _outside(scene, steps)
    after = 0 if scene.elides[-1] else _outside(scene, steps[::-1])
    for first, last in sorted({(before, 0), (0, after), (before, after)} - {(0, 0)}):
        yield _gone(steps, first, last)


def _gone(steps: Sequence[Step], first: int, last: int) -> list[Step]:
    end = len(steps) - last
    return [
        Step(DELETE, None, step.column) if number < first or number >= end else step
        for number, step in enumerate(steps)
    ]


def _outside(scene: Scene, steps: Sequence[Step]) -> int:
    """How many steps keep lines before the first of the edit's; 0 where that are too many, or a gap."""
    count = text = 0
    for step in steps:
        if step.state != KEEP or step.column is None:
            break
        item = scene.items[step.column]
        if item is GAP:
            return 0
        text += bool(item.strip())
        count += 1
    return count if 0 < text <= MAX_CUT else 0
