"""How like each other the lines of an edit and of a window are: what every alignment of the two scores.

Computed once for a pair of edit and window; `points` then prices it under some costs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from ..text.definitions import header_name
from ..text.line_cache import letters, of_line
from ..text.window import GAP
from .costs import Costs
from .input import Scene

LOW = -(1 << 28)  # the score of what cannot be
LEAST_SIMILAR = 40  # %: below, no costs take one line for another one's change
_HEAD = re.compile(
    r"(?:(?:const|let|var|val|final|static|public|private)\s+)*[\w.$\"'-]+\s*(?:=(?![=>])|:(?!:))|return\b"
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Matrices [edit lines, items] of a comparison of stripped lines, with what it says of either side.

    `same` (bool): the same text; `same_indent` (bool): and the same white space before it; `similar` (uint8):
    similarity in %, case aside, 0 below LEAST_SIMILAR; `same_head` (bool): the same target of an assignment,
    the same name defined, or two returns; `renamed` (bool): both define a name, not the same one. `letters`
    [edit lines]: letters and digits, -1 for a blank line; `common` [edit lines]: how often the window has the
    line. `blank`, `gap` and `item_letters` [items].
    """

    same: np.ndarray
    same_indent: np.ndarray
    similar: np.ndarray
    same_head: np.ndarray
    renamed: np.ndarray
    letters: np.ndarray
    common: np.ndarray
    blank: np.ndarray
    gap: np.ndarray
    item_letters: np.ndarray

    @staticmethod
    def of(scene: Scene) -> Likeness:
        """Compares every line of the edit with every item of the window."""
        items, edit = scene.items, scene.edit
        ours, theirs = scene.edit_texts, scene.item_texts
        gap = np.array([item is GAP for item in items], dtype=bool)
        blank = np.array([not text for text in theirs], dtype=bool) & ~gap
        shape = (len(ours), len(theirs))
        similar = np.zeros(shape, dtype=np.uint8)
        if ours and theirs:
            similar = process.cdist(
                [text.lower() for text in ours],
                [text.lower() for text in theirs],
                scorer=fuzz.ratio,
                score_cutoff=LEAST_SIMILAR,
                dtype=np.uint8,
            )
        same, same_indent = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        places: dict[str, list[int]] = {}
        for column, text in enumerate(theirs):
            if not gap[column]:
                places.setdefault(text, []).append(column)
        for row, text in enumerate(ours):
            for column in places.get(text, ()):
                same[row, column] = True
                same_indent[row, column] = not text or (items[column] or "").rstrip() == edit[row].rstrip()
        our_heads, their_heads = [_head(t) for t in ours], [_head(t) for t in theirs]
        our_names, their_names = [header_name(t) for t in ours], [header_name(t) for t in theirs]
        named = _both(our_names, their_names)
        same_name = _equal(our_names, their_names)
        return Likeness(
            same=same,
            same_indent=same_indent,
            similar=similar,
            same_head=(_equal(our_heads, their_heads) & ~gap) | same_name,
            renamed=named & ~same_name,
            letters=np.array([letters(text) if text else -1 for text in ours], dtype=np.int64),
            common=np.array([scene.counts[text] for text in ours], dtype=np.int64),
            blank=blank,
            gap=gap,
            item_letters=np.array([letters(text) for text in theirs], dtype=np.int64),
        )

    def points(self, costs: Costs) -> np.ndarray:
        """int64 [edit lines, items]: points of a match; `LOW` where the lines cannot be the same line."""
        scores = np.full(self.same.shape, LOW, dtype=np.int64)
        if not scores.size:
            return scores
        above = self.similar.astype(np.int64) - costs.changed_floor
        floor = np.where(self.renamed, costs.renamed_floor - costs.changed_floor, 0)
        changed = (above >= floor) & (self.similar > 0)
        scores = np.where(changed, 1 + costs.changed_points * above // 100, scores)
        scores = np.where(self.same_head, np.maximum(scores, costs.changed_head), scores)
        value = np.minimum(costs.match_base + self.letters // costs.letters_per_point, costs.match_cap)
        value = value - costs.match_common * np.minimum(np.maximum(self.common - 1, 0), 4)
        value = np.where(
            self.letters == 0, costs.match_sign, np.where(self.letters < 0, costs.match_blank, value)
        )
        moved = np.where(self.letters < 0, value, np.maximum(1, value - costs.other_indent))
        scores = np.where(self.same, np.where(self.same_indent, value[:, None], moved[:, None]), scores)
        scores[:, self.gap] = LOW
        return scores


@of_line
def _head(text: str) -> str | None:
    """What an assignment or a return keeps when its value changes; None for other lines."""
    found = _HEAD.match(text)
    return found[0] if found else None


def _codes(ours: Sequence[str | None], theirs: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Both as numbers, equal where the texts are; 0 for None."""
    numbers: dict[str | None, int] = {None: 0}
    for text in [*ours, *theirs]:
        numbers.setdefault(text, len(numbers))
    return (
        np.array([numbers[t] for t in ours], dtype=np.int64),
        np.array([numbers[t] for t in theirs], dtype=np.int64),
    )


def _equal(ours: Sequence[str | None], theirs: Sequence[str | None]) -> np.ndarray:
    a, b = _codes(ours, theirs)
    return (a[:, None] == b[None, :]) & (a[:, None] > 0)


def _both(ours: Sequence[str | None], theirs: Sequence[str | None]) -> np.ndarray:
    a, b = _codes(ours, theirs)
    return (a[:, None] > 0) & (b[None, :] > 0)
