"""The merge without a model: what an alignment of the edit with the window makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..parse.markers import MarkerKind
from ..text.window import GAP, Item
from .analyse import analyse
from .input import Scene
from .ranker import CLEAR, Ranker


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

    A marker keeps the original up to the next line that the edit shows. What is not shown is removed only
    where the lines around it say so; shown lines that the window lacks are inserted.
    """
    if items and all(item is GAP for item in items):
        return Proposal(list(items), 0)
    scene = Scene.of(items, edit_lines, language, markers)
    choice = Ranker.default().choose(analyse(scene, language), sound, lead)
    return Proposal(choice.items, choice.odds)


def align(
    items: Sequence[Item],
    edit_lines: Sequence[str],
    language: str | None = None,
    *,
    markers: Mapping[int, MarkerKind] | None = None,
) -> list[Item]:
    """The items of `propose`."""
    return propose(items, edit_lines, language, markers=markers).items
