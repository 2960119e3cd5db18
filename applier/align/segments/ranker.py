"""Chooses a reading for each segment, and says how sure the choice is.

Both are boosted trees over integers (`trees`), fitted by `training.calibration.segment_ranker` on edits
whose results are known, and kept in `ranker.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ...text.window import Item
from .analyse import Analysis
from .features import Values
from .trees import Trees

CLEAR = 100  # `Window.lead` of an edit that no other place takes
CERTAIN = 12_000  # thousandths of a logit: where there is one reading, or none comes near
NEAR = 1_000
MOST_CHECKED = 4  # merged windows that are parsed


@dataclass(frozen=True, slots=True)
class Decision:
    """The readings of one segment in the order of their scores, and the odds, in thousandths of a logit, that
    the first is right.
    """

    number: int
    order: tuple[int, ...]
    scores: tuple[int, ...]
    odds: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A merged window, with the decisions that it stands on: those of segments with several readings."""

    items: list[Item]
    odds: int
    decisions: tuple[Decision, ...] = ()


def signs_of_trust(features: Values, scores: Sequence[int], lead: int) -> Values:
    """What says that the best of some readings is right: its features, how far behind the second and third
    are, how many come near, and the `lead` of the window. `scores` are sorted, best first.
    """
    best = scores[0]
    second = best - scores[1] if len(scores) > 1 else CERTAIN
    third = best - scores[2] if len(scores) > 2 else CERTAIN
    return features | {
        "margin": min(second, CERTAIN),
        "margin_third": min(third, CERTAIN),
        "near": sum(best - score < NEAR for score in scores) - 1,
        "readings": len(scores),
        "lead": min(lead, CLEAR),
    }


@dataclass(frozen=True, slots=True)
class Ranker:
    """`choice` scores readings of a segment against each other, `trust` says whether the best is right."""

    choice: Trees
    trust: Trees

    @staticmethod
    @cache
    def default() -> Ranker:
        """With the trees that come with the package."""
        data = json.loads((resources.files(__package__) / "ranker.json").read_text("utf-8"))
        return Ranker(Trees.from_json(data["choice"]), Trees.from_json(data["trust"]))

    def choose(
        self,
        analysis: Analysis,
        sound: Callable[[Sequence[Item]], bool] | None = None,
        lead: int = CLEAR,
    ) -> Choice:
        """The best reading of every segment. Where the whole is not `sound`, the readings that cost least to
        exchange are tried, one at a time. `lead` is that of the window.
        """
        decisions = [
            self._decide(analysis, number, lead)
            for number, (_, readings) in enumerate(analysis.segments)
            if len(readings) > 1
        ]
        chosen = [0] * len(analysis.segments)
        for decision in decisions:
            chosen[decision.number] = decision.order[0]
        items = self._merged(analysis, chosen)
        if sound is not None and decisions and not sound(items):
            for number, reading in _exchanges(decisions)[:MOST_CHECKED]:
                other = list(chosen)
                other[number] = reading
                merged = self._merged(analysis, other)
                if sound(merged):
                    odds = min(decision.odds for decision in decisions)
                    return Choice(merged, min(odds, 0), tuple(decisions))
        return Choice(items, _together([decision.odds for decision in decisions]), tuple(decisions))

    def _decide(self, analysis: Analysis, number: int, lead: int) -> Decision:
        segment, readings = analysis.segments[number]
        rows = [analysis.features.of(segment, reading) for reading in readings]
        scores = self.choice.score(rows)
        order = sorted(range(len(readings)), key=lambda at: (-scores[at], at))
        ranked = [scores[at] for at in order]
        odds = self.trust.score([signs_of_trust(rows[order[0]], ranked, lead)])[0]
        return Decision(number, tuple(order), tuple(ranked), odds)

    @staticmethod
    def _merged(analysis: Analysis, chosen: Sequence[int]) -> list[Item]:
        readings = [readings for _, readings in analysis.segments]
        return analysis.merged([of[at] for of, at in zip(readings, chosen, strict=True)])


def _exchanges(decisions: Sequence[Decision]) -> list[tuple[int, int]]:
    """(segment, other reading), those that cost least first."""
    found = [
        (decision.scores[0] - score, decision.number, reading)
        for decision in decisions
        for reading, score in zip(decision.order[1:], decision.scores[1:], strict=True)
    ]
    return [(number, reading) for _, number, reading in sorted(found)]


def _together(odds: Sequence[int]) -> int:
    """The odds that all decisions are right: a little below the least, for each other that comes near it."""
    if not odds:
        return CERTAIN
    least = min(odds)
    return least - sum((2 * NEAR - (one - least)) // 3 for one in sorted(odds)[1:] if one - least < 2 * NEAR)
