import math

import pytest

from applier.confidence import Calibration, Kind, uncalibrated

TABLES = {kind.value: [[0.0, 0.2], [2.0, 0.6], [4.0, 1.0]] for kind in Kind}


def test_between_knots_the_probability_is_linear_and_outside_constant():
    found = Calibration.from_dict(TABLES)
    values = [found.confidence(m, Kind.AGREES) for m in (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, math.inf)]
    assert values == [0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0]


@pytest.mark.parametrize(
    "bad",
    [
        {"agrees": [[0, 1]]},
        TABLES | {"other": [[0, 1]]},
        TABLES | {"agrees": []},
        TABLES | {"agrees": [[1, 0.5], [0, 0.6]]},
        TABLES | {"differs": [[0, 1.5]]},
    ],
)
def test_malformed_calibrations_are_refused(bad):
    with pytest.raises(ValueError, match=r".+"):
        Calibration.from_dict(bad)


def test_without_calibration_the_margin_orders_merges():
    assert uncalibrated(math.inf, Kind.AGREES) == 1.0
    assert uncalibrated(0.0, Kind.AGREES) == 0.0
    assert uncalibrated(1.0, Kind.DIFFERS) == 0.5
    assert uncalibrated(1.0, Kind.INCOMPLETE) == 0.25
