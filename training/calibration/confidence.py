"""From the outcomes of validation edits to probabilities and to the threshold of refusal.

    python -m training.calibration.confidence OUTCOMES.json ... --wanted 0.99 --out settings.json

A logistic regression weighs the model's margin against the alignment's odds; isotonic regression (pool
adjacent violators; Ayer et al. 1955) over their sum gives the probability as steps, which become the knots
of `applier.merge.confidence.Calibration`. OUTCOMES are those of `training.calibration.served_edits`;
settings.json is what `samebytes model pin --calibration` takes. The shares printed are of outcomes that were
not fitted on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from applier.merge.confidence import STRENGTH, Calibration, Kind, Knots, Signal, Strength

PRIOR = 1.0  # pseudo-counts of right and wrong in every pool: no probability is 0 or 1
MAX_KNOTS = 24
DIGITS = 6
RIDGE = 1e-3
LARGEST = 0.95  # share of finite margins beyond which a margin says no more
FOLDS = 5
FAR_WEIGHT = 8.0  # of an outcome that changes lines far from the true edit; 1 for any other


@dataclass(frozen=True, slots=True)
class Outcome:
    """One merge of a validation edit: its signals, and whether its bytes were right."""

    margin: float
    kind: Kind
    right: bool
    odds: int = 0
    start: float = 0.0
    far: bool = False  # wrong, and changing lines far from the true edit

    @property
    def signal(self) -> Signal:
        """What the applier knew."""
        return Signal(self.margin, self.kind, self.odds, self.start)


def isotonic_knots(points: Sequence[tuple[float, bool]]) -> Knots:
    """Ascending (strength, probability) knots of the isotonic fit; infinite ones count as the largest."""
    finite = sorted((m, right) for m, right in points if m != float("inf"))
    endless = [right for m, right in points if m == float("inf")]
    pools: list[list[float]] = []  # [strength sum, right, count]
    largest = finite[-1][0] + 1.0 if finite else 1.0
    every = [*finite, *((largest, right) for right in endless)]
    for margin, group in groupby(every, key=lambda point: point[0]):  # equal ones are one pool from the start
        rights = [float(right) for _, right in group]
        pools.append([margin * len(rights), sum(rights), float(len(rights))])
        while len(pools) > 1 and _rate(pools[-2]) >= _rate(pools[-1]):
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    knots: list[tuple[float, float]] = []
    for total, hits, count in _thinned(pools):
        margin = round(total / count, DIGITS)
        probability = round((hits + PRIOR) / (count + 2 * PRIOR), DIGITS)
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


def fit_strength(outcomes: Sequence[Outcome]) -> Strength:
    """The weights of the model's own margin and of the odds by logistic regression, with a constant for each
    kind. The head start says nothing that the odds do not: with it in the margin, what the model thinks of a
    proposal far ahead is lost.

    Outcomes that change lines far from the true edit weigh FAR_WEIGHT, so that they come last; knots and
    threshold count every outcome once. A signal whose weight would be negative gets none. Without odds, or
    without two outcomes that differ, the strength is the margin.
    """
    own = [outcome.margin - outcome.start for outcome in outcomes]
    finite = sorted(margin for margin in own if margin != float("inf"))
    if not any(outcome.odds for outcome in outcomes) or len({outcome.right for outcome in outcomes}) < 2:
        return Strength()
    most = round(finite[int(LARGEST * (len(finite) - 1))], 3) if finite else 0.0
    columns = [
        [max(-most, min(margin, most)), o.odds / 1000, *(float(o.kind is k) for k in Kind)]
        for margin, o in zip(own, outcomes, strict=True)
    ]
    x = torch.tensor(columns, dtype=torch.float64)
    y = torch.tensor([float(outcome.right) for outcome in outcomes], dtype=torch.float64)
    weight = torch.tensor([FAR_WEIGHT if outcome.far else 1.0 for outcome in outcomes], dtype=torch.float64)
    scale = x.std(0) + 1e-6
    scale[2:] = 1.0
    beta = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([beta], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            (x / scale) @ beta, y, weight=weight / weight.mean()
        )
        loss = loss + RIDGE * (beta**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    margin, odds = (round(max(0.0, float(v)), 4) for v in (beta.detach() / scale)[:2])
    return Strength(0.0, odds, most, margin) if margin or odds else Strength()


def fit_calibration(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What `Calibration.from_dict` reads; a kind without outcomes gets the fit of all."""
    strength = fit_strength(outcomes)
    data: dict[str, Any] = {}
    for kind in Kind:
        mine = [(strength.of(o.signal), o.right) for o in outcomes if o.kind is kind]
        knots = isotonic_knots(mine or [(strength.of(o.signal), o.right) for o in outcomes])
        data[kind.value] = [list(knot) for knot in knots]
    if strength != Strength():
        data[STRENGTH] = asdict(strength)
    return data


def refusal_threshold(outcomes: Sequence[Outcome], calibration: Mapping[str, Any], wanted: float) -> float:
    """The lowest confidence from which at least `wanted` of the accepted merges are right.

    Where no threshold reaches that, the one with the highest share right (and the most accepted).
    """
    found = Calibration.from_dict(calibration)
    scored = sorted(((found.confidence(o.signal), o.right) for o in outcomes), key=lambda pair: -pair[0])
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


def cross_validated(outcomes: Sequence[Outcome], wanted: float, folds: int = FOLDS) -> dict[str, float]:
    """What share is accepted, and of those right, on parts of the outcomes that were not fitted on; and how
    many of those accepted change lines far from the true edit.
    """
    mixed = list(outcomes)
    random.Random(0).shuffle(mixed)
    accepted: list[Outcome] = []
    for fold in range(folds):
        rest = [outcome for number, outcome in enumerate(mixed) if number % folds != fold]
        data = fit_calibration(rest)
        threshold = refusal_threshold(rest, data, wanted)
        found = Calibration.from_dict(data)
        accepted += [o for o in mixed[fold::folds] if found.confidence(o.signal) >= threshold]
    return {
        "accepted": len(accepted) / max(1, len(mixed)),
        "right_of_accepted": float(np.mean([o.right for o in accepted])) if accepted else 0.0,
        "far_from_the_edit": float(sum(o.far for o in accepted)),
        "right_of_all": float(np.mean([outcome.right for outcome in mixed])) if mixed else 0.0,
    }


def read_outcomes(path: Path) -> list[Outcome]:
    """The outcomes that `training.calibration.served_edits` wrote, without what was refused whatever its
    confidence. Raises ValueError for a file that holds none.
    """
    rows = [row for row in json.loads(path.read_text("utf-8")) if not row.get("refused")]
    found = [
        Outcome(
            row["margin"],
            Kind(row["kind"]),
            row["right"],
            row.get("odds", 0),
            row.get("start", 0.0),
            bool(row.get("elsewhere", 0)),
        )
        for row in rows
    ]
    if not found:
        raise ValueError(f"{path} holds no outcome")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes threshold and calibration, and prints what they reach on outcomes that were held back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outcomes", type=Path, nargs="+")
    parser.add_argument("--wanted", type=float, default=0.99, help="share right among those accepted")
    parser.add_argument("--bias", type=float, default=None, help="proposal_bias to write beside them")
    parser.add_argument("--per-odds", type=float, default=0.0, help="bias_per_odds to write beside it")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    outcomes = [outcome for path in given.outcomes for outcome in read_outcomes(path)]
    calibration = fit_calibration(outcomes)
    threshold = refusal_threshold(outcomes, calibration, given.wanted)
    settings: dict[str, Any] = {"refusal_threshold": threshold, "calibration": calibration}
    if given.bias is not None:
        settings |= {"proposal_bias": given.bias, "bias_per_odds": given.per_odds}
    given.out.write_text(json.dumps(settings, indent=1) + "\n")
    summary = {"edits": len(outcomes), "refusal_threshold": threshold, "strength": calibration.get(STRENGTH)}
    print(json.dumps({**summary, **cross_validated(outcomes, given.wanted)}, indent=1))


if __name__ == "__main__":
    main()
