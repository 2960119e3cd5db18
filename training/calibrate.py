"""From (margin, right or wrong) on validation edits to probabilities and to the threshold of refusal.

Isotonic regression (pool adjacent violators; Ayer et al. 1955) gives the probability as steps over the
margin; the steps become the knots of `applier.confidence.Calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from applier.confidence import Calibration, Kind, Knots

PRIOR = 1.0  # pseudo-counts of right and wrong in every pool: no probability is 0 or 1
MAX_KNOTS = 24


@dataclass(frozen=True, slots=True)
class Outcome:
    """One merge of a validation edit: its signals, and whether its bytes were right."""

    margin: float
    kind: Kind
    right: bool


def isotonic_knots(points: Sequence[tuple[float, bool]]) -> Knots:
    """Ascending (margin, probability) knots of the isotonic fit; infinite margins count as the largest."""
    finite = sorted((m, right) for m, right in points if m != float("inf"))
    endless = [right for m, right in points if m == float("inf")]
    pools: list[list[float]] = []  # [margin sum, right, count]
    for margin, right in [*finite, *((finite[-1][0] + 1.0 if finite else 1.0, r) for r in endless)]:
        pools.append([margin, float(right), 1.0])
        while len(pools) > 1 and _rate(pools[-2]) >= _rate(pools[-1]):
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    knots: list[tuple[float, float]] = []
    for total, hits, count in _thinned(pools):
        margin = total / count
        probability = (hits + PRIOR) / (count + 2 * PRIOR)
        if knots and margin <= knots[-1][0]:
            continue
        knots.append((margin, max(probability, knots[-1][1] if knots else 0.0)))
    return tuple(knots) or ((0.0, 0.5),)


def _rate(pool: list[float]) -> float:
    return pool[1] / pool[2]


def _thinned(pools: list[list[float]]) -> list[list[float]]:
    """At most MAX_KNOTS pools: the smallest neighbours are joined first."""
    pools = [list(pool) for pool in pools]
    while len(pools) > MAX_KNOTS:
        at = min(range(len(pools) - 1), key=lambda i: pools[i][2] + pools[i + 1][2])
        pools[at : at + 2] = [[a + b for a, b in zip(pools[at], pools[at + 1], strict=True)]]
    return pools


def fit_calibration(outcomes: Sequence[Outcome]) -> dict[str, list[list[float]]]:
    """The tables of `Calibration.from_dict`; a kind without outcomes gets the fit of all."""
    tables: dict[str, list[list[float]]] = {}
    for kind in Kind:
        mine = [(o.margin, o.right) for o in outcomes if o.kind is kind]
        knots = isotonic_knots(mine or [(o.margin, o.right) for o in outcomes])
        tables[kind.value] = [[round(m, 6), round(p, 6)] for m, p in knots]
    return tables


def refusal_threshold(
    outcomes: Sequence[Outcome], tables: Mapping[str, Sequence[Sequence[float]]], wanted: float
) -> float:
    """The lowest confidence from which at least `wanted` of the accepted merges are right.

    Where no threshold reaches that, the one with the highest share right (and the most accepted).
    """
    calibration = Calibration.from_dict(tables)
    scored = sorted(
        ((calibration.confidence(o.margin, o.kind), o.right) for o in outcomes), key=lambda pair: -pair[0]
    )
    best, best_share = 1.0, -1.0
    threshold = None
    right = 0
    for count, (confidence, ok) in enumerate(scored, 1):
        right += ok
        if count < len(scored) and scored[count][0] == confidence:
            continue
        share = right / count
        if share >= wanted:
            threshold = confidence
        if share >= best_share:
            best, best_share = confidence, share
    return threshold if threshold is not None else best
