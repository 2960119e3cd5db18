import math

import pytest

from applier.merge.confidence import STRENGTH, Calibration, Kind, Signal, Strength, uncalibrated

TABLES = {kind.value: [[0.0, 0.2], [2.0, 0.6], [4.0, 1.0]] for kind in Kind}


def test_between_knots_the_probability_is_linear_and_outside_constant():
    found = Calibration.from_dict(TABLES)
    values = [found.confidence(Signal(m, Kind.AGREES)) for m in (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, math.inf)]
    assert values == [0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0]


@pytest.mark.parametrize(
    "bad",
    [
        {"agrees": [[0, 1]]},
        TABLES | {"other": [[0, 1]]},
        TABLES | {"agrees": []},
        TABLES | {"agrees": [[1, 0.5], [0, 0.6]]},
        TABLES | {"differs": [[0, 1.5]]},
        TABLES | {STRENGTH: {"margin": 1.0, "luck": 1.0}},
        TABLES | {STRENGTH: {"odds": -1.0}},
    ],
)
def test_malformed_calibrations_are_refused(bad):
    with pytest.raises(ValueError, match=r".+"):
        Calibration.from_dict(bad)


def test_without_calibration_the_margin_orders_merges():
    assert uncalibrated(Signal(math.inf, Kind.AGREES)) == 1.0
    assert uncalibrated(Signal(0.0, Kind.AGREES)) == 0.0
    assert uncalibrated(Signal(1.0, Kind.DIFFERS)) == 0.5
    assert uncalibrated(Signal(1.0, Kind.INCOMPLETE)) == 0.25


def test_margin_and_odds_add_up_to_a_strength():
    found = Calibration.from_dict(TABLES | {STRENGTH: {"margin": 0.5, "odds": 1.0, "most": 2.0}})
    assert found.confidence(Signal(2.0, Kind.DIFFERS, 1000)) == 0.6
    assert found.confidence(Signal(math.inf, Kind.DIFFERS, 1000)) == 0.6
    assert found.confidence(Signal(2.0, Kind.DIFFERS, -5000)) == 0.2
    alone = Calibration.from_dict(TABLES | {STRENGTH: {"margin": 0.0, "odds": 1.0}})
    assert alone.confidence(Signal(math.inf, Kind.AGREES, 2000)) == 0.6


def test_every_number_of_a_calibration_is_in_its_text():
    texts = [
        str(Calibration.from_dict(data).as_dict())
        for data in (
            TABLES,
            TABLES | {STRENGTH: {"odds": 1.0}},
            TABLES | {STRENGTH: {"odds": 1.0, "most": 3.0}},
            TABLES | {"agrees": [[0.0, 0.25], [2.0, 0.6], [4.0, 1.0]]},
        )
    ]
    assert len(set(texts)) == len(texts)


def test_an_objection_of_the_model_counts_as_much_as_its_assent_at_most():
    strength = Strength(margin=0.0, odds=1.0, most=4.0, own=0.5)
    assert strength.of(Signal(30.0, Kind.AGREES, 2000, start=20.0)) == 4.0
    assert strength.of(Signal(18.0, Kind.AGREES, 2000, start=20.0)) == 1.0
    assert strength.of(Signal(1.0, Kind.AGREES, 2000, start=20.0)) == 0.0
