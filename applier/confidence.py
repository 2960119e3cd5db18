"""From the signals of a merge to one number: how probable it is that the merge is right.

The signals are the smallest margin over the model's decisions, whether the alignment baseline came to the
same merge by itself, and whether every new line of the edit arrived. A calibration (fitted on held-out
edits, in the model's manifest) maps the margin to a probability for each kind of merge; it is evaluated
with `+ - * /` alone, so that every machine finds the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

Knots = tuple[tuple[float, float], ...]  # (margin, probability), margins ascending


class Kind(StrEnum):
    """What else speaks for or against a merge."""

    AGREES = "agrees"  # the baseline's proposal is the same
    DIFFERS = "differs"
    INCOMPLETE = "incomplete"  # a new line of the edit is missing


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities by margin, interpolated linearly between knots and constant outside."""

    tables: Mapping[Kind, Knots]

    @staticmethod
    def from_dict(data: Mapping[str, Sequence[Sequence[float]]]) -> Calibration:
        """Raises ValueError on an unknown kind, a missing one, or knots that do not ascend within 0 … 1."""
        tables = {Kind(name): tuple((float(m), float(p)) for m, p in knots) for name, knots in data.items()}
        for kind in Kind:
            knots = tables.get(kind, ())
            ascending = all(a[0] < b[0] for a, b in pairwise(knots))
            if not knots or not ascending or not all(0 <= p <= 1 for _, p in knots):
                raise ValueError(
                    f"the calibration of {kind.value!r} needs ascending margins and probabilities"
                )
        return Calibration(tables)

    def confidence(self, margin: float, kind: Kind) -> float:
        """The probability, 0 to 1."""
        knots = self.tables[kind]
        if margin >= knots[-1][0]:
            return knots[-1][1]
        below = knots[0]
        if margin <= below[0]:
            return below[1]
        for above in knots[1:]:
            if margin < above[0]:
                share = (margin - below[0]) / (above[0] - below[0])
                return below[1] + share * (above[1] - below[1])
            below = above
        return below[1]


def uncalibrated(margin: float, kind: Kind) -> float:
    """margin / (1 + margin), halved for a merge that is incomplete: an order, not a probability."""
    value = 1.0 if margin == float("inf") else margin / (1.0 + margin)
    return value / 2.0 if kind is Kind.INCOMPLETE else value
