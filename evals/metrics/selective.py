"""Selective prediction: the risk among answered cases as the confidence threshold admits more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering at `threshold` or above covers `coverage` of all cases, and `risk` of those are wrong."""

    threshold: float
    coverage: float
    risk: float


def coverage_risk(answered: Sequence[tuple[float, bool]], total: int) -> list[RiskPoint]:
    """Risk-coverage curve (El-Yaniv and Wiener, 2010) from (confidence, correct) of every answered case.

    `total` counts refused cases too. One point per distinct confidence, most confident first; cases of equal
    confidence enter together. Raises ValueError where more cases were answered than there are.
    """
    if total < len(answered):
        raise ValueError(f"{len(answered)} answers to {total} cases")
    ordered = sorted(answered, key=lambda pair: -pair[0])
    points: list[RiskPoint] = []
    wrong = 0
    for index, (confidence, correct) in enumerate(ordered):
        wrong += not correct
        last_of_its_confidence = index + 1 == len(ordered) or ordered[index + 1][0] != confidence
        if last_of_its_confidence:
            points.append(RiskPoint(confidence, (index + 1) / total, wrong / (index + 1)))
    return points
