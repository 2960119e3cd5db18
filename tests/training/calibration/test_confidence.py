"""Calibration: monotone, honest about small counts, and a threshold that keeps its promise."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.merge.confidence import STRENGTH, Calibration, Kind, Signal, Strength
from training.calibration.confidence import (
    Outcome,
    cross_validated,
    fit_calibration,
    fit_strength,
    isotonic_knots,
    main,
    refusal_threshold,
)

POINTS = st.lists(st.tuples(st.floats(0, 50), st.booleans()), min_size=1, max_size=80)


@given(POINTS)
def test_knots_ascend_within_probabilities(points: list[tuple[float, bool]]) -> None:
    knots = isotonic_knots(points)
    assert all(0 < p < 1 for _, p in knots)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))


def test_equal_strengths_have_one_probability() -> None:
    assert isotonic_knots([(5.0, n > 0) for n in range(98)]) == ((5.0, 0.98),)
    endless = isotonic_knots([(1.0, False), *((float("inf"), n > 0) for n in range(98))])
    assert endless[-1] == (2.0, 0.98)


def test_knots_that_print_alike_are_one() -> None:
    close = [(1.0 + n * 1e-9, n % 2 == 0) for n in range(2)] + [(1.0 + 2e-9, True), (1.0 + 3e-9, True)]
    knots = isotonic_knots(close)
    assert len({margin for margin, _ in knots}) == len(knots)


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
    assert calibration.confidence(Signal(1.0, Kind.AGREES)) == pytest.approx(0.48, abs=0.12)
    assert calibration.confidence(Signal(9.0, Kind.AGREES)) > 0.93
    sure, unsure = (calibration.confidence(Signal(margin, Kind.INCOMPLETE)) for margin in (9.0, 0.5))
    assert sure > unsure


def test_the_threshold_keeps_its_promise_on_other_edits() -> None:
    tables = fit_calibration(outcomes(1))
    threshold = refusal_threshold(outcomes(1), tables, 0.95)
    calibration = Calibration.from_dict(tables)
    accepted = [o.right for o in outcomes(2) if calibration.confidence(o.signal) >= threshold]
    assert len(accepted) > 300
    assert sum(accepted) / len(accepted) > 0.93


def test_an_infinite_margin_is_the_largest() -> None:
    knots = isotonic_knots([(1.0, False), (2.0, True), (float("inf"), True)])
    assert knots[-1][0] >= 2.0
    assert knots[-1][1] > knots[0][1]


def mixed_outcomes(seed: int, count: int = 3000) -> list[Outcome]:
    """Right with a probability that margin and odds decide together: logit = 0.5 margin + odds - 3."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        margin, odds = rng.uniform(0, 8), rng.uniform(-2, 5)
        probability = 1 / (1 + math.exp(3 - 0.5 * margin - odds))
        made.append(Outcome(margin, Kind.AGREES, rng.random() < probability, round(1000 * odds)))
    return made


def test_margin_and_odds_are_weighed_by_what_they_say() -> None:
    strength = fit_strength(mixed_outcomes(1))
    assert strength.odds / strength.own == pytest.approx(2.0, rel=0.2)
    assert strength.most == pytest.approx(7.6, abs=0.3)


def test_a_signal_that_says_nothing_counts_nothing() -> None:
    rng = random.Random(3)
    noise = [
        Outcome(float("inf"), Kind.AGREES, rng.random() < 1 / (1 + math.exp(-odds / 1000)), odds)
        for odds in range(-3000, 3000, 3)
    ]
    strength = fit_strength(noise)
    assert strength.margin == 0.0
    assert strength.of(noise[0].signal) < strength.of(noise[-1].signal) < float("inf")
    assert fit_strength(outcomes(1)) == Strength()


def test_both_signals_accept_more_than_one() -> None:
    both = cross_validated(mixed_outcomes(1), 0.95)
    alone = cross_validated([Outcome(o.margin, o.kind, o.right) for o in mixed_outcomes(1)], 0.95)
    assert both["right_of_accepted"] > 0.93
    assert both["accepted"] > alone["accepted"] + 0.1


def test_the_command_writes_settings_that_a_manifest_takes(tmp_path, capsys) -> None:
    rows = [
        {"margin": o.margin, "kind": o.kind.value, "right": o.right, "odds": o.odds, "language": "go"}
        for o in mixed_outcomes(2, 600)
    ]
    (tmp_path / "outcomes.json").write_text(json.dumps(rows))
    out = tmp_path / "settings.json"
    main(
        [
            str(tmp_path / "outcomes.json"),
            "--wanted",
            "0.9",
            "--out",
            str(out),
            "--bias",
            "2.5",
            "--per-odds",
            "1.5",
        ]
    )
    settings = json.loads(out.read_text())
    assert (settings["proposal_bias"], settings["bias_per_odds"]) == (2.5, 1.5)
    calibration = Calibration.from_dict(settings["calibration"])
    assert calibration.strength.odds == settings["calibration"][STRENGTH]["odds"] > 0
    assert json.loads(capsys.readouterr().out)["right_of_accepted"] > 0.85
    (tmp_path / "none.json").write_text("[]")
    with pytest.raises(ValueError, match="no outcome"):
        main([str(tmp_path / "none.json"), "--out", str(out)])


def test_the_head_start_is_taken_from_the_margin() -> None:
    plain = mixed_outcomes(1)
    ahead = [replace(one, margin=one.margin + 12.0, start=12.0) for one in plain]
    assert fit_strength(ahead).own == pytest.approx(fit_strength(plain).own, rel=1e-3)
    data = fit_calibration(plain)
    found = Calibration.from_dict(data)
    for one, other in zip(plain[:50], ahead, strict=False):
        assert found.confidence(other.signal) == pytest.approx(found.confidence(one.signal))


def test_what_tells_far_changes_weighs_more() -> None:
    """Both signals say as much of being right, but far changes come with low margins."""
    rng = random.Random(5)
    made = []
    for one in mixed_outcomes(6):
        far = not one.right and one.margin < 2 and rng.random() < 0.5
        made.append(replace(one, far=far))
    strength = fit_strength(made)
    plain = fit_strength([replace(one, far=False) for one in made])
    assert strength.own / strength.odds > 1.2 * plain.own / plain.odds
    assert cross_validated(made, 0.9)["far_from_the_edit"] < sum(one.far for one in made)
