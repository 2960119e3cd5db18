"""The merge without a model: what an alignment of the edit with the window makes of it.

Its proposal is the first draft of every merge by the model, has a head start in decoding, and is the
baseline that the model must beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..parse.markers import MarkerKind
from ..text.window import GAP, Item
from .candidates import readings
from .costs import SETTINGS
from .input import Scene
from .ranker import CLEAR, Judge
from .segments.analyse import analyse
from .segments.ranker import Ranker
from .similarity import Likeness
from .table_native import alignments

DISSENT = 8_000  # taken from the odds, in thousandths of a logit, where another reader merges otherwise


@dataclass(frozen=True, slots=True)
class Proposal:
    """A merged window. `odds` are the logarithm of its being right against wrong, in thousandths."""

    items: list[Item]
    odds: int


def propose(
    items: Sequence[Item],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    markers: Mapping[int, MarkerKind] | None = None,
    sound: Callable[[Sequence[Item]], bool] | None = None,
    lead: int = CLEAR,
) -> Proposal:
    """The merged window of a lazy edit, every gap kept once and in order; one that is `sound`, if there is.
    `lead` is that of the window.

    A marker keeps the original up to the next line that the edit shows; lines between two shown lines with no
    marker between are gone; shown lines that the window lacks are inserted. Two readers that err differently
    merge the edit, one over all of it and one segment by segment: where they disagree the proposal is unsure.
    """
    if items and all(item is GAP for item in items):
        return Proposal(list(items), 0)
    scene = Scene.of(items, edit_lines, language, markers)
    likeness = Likeness.of(scene)
    aligned = alignments(scene, likeness, SETTINGS)
    verdict = Judge.default().choose(readings(scene, SETTINGS, likeness, aligned), sound, lead)
    merged = verdict.reading.merged
    second = Ranker.default().choose(analyse(scene, language, SETTINGS, likeness, aligned), sound, lead)
    return Proposal(merged, verdict.odds if second.items == merged else verdict.odds - DISSENT)


def align(
    items: Sequence[Item],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    markers: Mapping[int, MarkerKind] | None = None,
) -> list[Item]:
    """The items of `propose`."""
    return propose(items, edit_lines, language, markers=markers).items
