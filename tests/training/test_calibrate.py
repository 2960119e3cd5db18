"""Calibration: monotone, honest about small counts, and a threshold that keeps its promise."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.confidence import Calibration, Kind
from training.calibrate import Outcome, fit_calibration, isotonic_knots, refusal_threshold

POINTS = st.lists(st.tuples(st.floats(0, 50), st.booleans()), min_size=1, max_size=80)


@given(POINTS)
def test_knots_ascend_within_probabilities(points: list[tuple[float, bool]]) -> None:
    knots = isotonic_knots(points)
    assert all(0 < p < 1 for _, p in knots)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))


def outcomes(seed: int, count: int = 2000) -> list[Outcome]:
    """Right with a probability that grows with the margin."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        margin = rng.uniform(0, 10)
        kind = rng.choice([Kind.AGREES, Kind.DIFFERS])
        made.append(Outcome(margin, kind, rng.random() < min(0.999, 0.4 + margin / 12)))
    return made


def test_the_fit_recovers_the_probabilities_it_was_drawn_from() -> None:
    calibration = Calibration.from_dict(fit_calibration(outcomes(1)))
    assert calibration.confidence(1.0, Kind.AGREES) == pytest.approx(0.48, abs=0.12)
    assert calibration.confidence(9.0, Kind.AGREES) > 0.93
    assert calibration.confidence(9.0, Kind.INCOMPLETE) > calibration.confidence(0.5, Kind.INCOMPLETE)


def test_the_threshold_keeps_its_promise_on_other_edits() -> None:
    tables = fit_calibration(outcomes(1))
    threshold = refusal_threshold(outcomes(1), tables, 0.95)
    calibration = Calibration.from_dict(tables)
    accepted = [o.right for o in outcomes(2) if calibration.confidence(o.margin, o.kind) >= threshold]
    assert len(accepted) > 300
    assert sum(accepted) / len(accepted) > 0.93


def test_an_infinite_margin_is_the_largest() -> None:
    knots = isotonic_knots([(1.0, False), (2.0, True), (float("inf"), True)])
    assert knots[-1][0] >= 2.0
    assert knots[-1][1] > knots[0][1]
