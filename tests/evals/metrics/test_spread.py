import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import avg_std_output_length, sample_std, std_acc


def test_std_acc_by_hand():
    # Mean 0.5; squared deviations 0.01, 0, 0.01; divisor n - 1 = 2.
    assert std_acc([0.4, 0.5, 0.6]) == pytest.approx(0.1, rel=1e-15)
    assert std_acc([0.7, 0.7, 0.7]) == 0.0


@pytest.mark.parametrize(
    ("values", "deviation"),
    [
        ([10_000_001, 10_000_003, 10_000_002], 1.0),
        ([1.2] + [1.1, 1.3] * 500, 0.1),
        ([1_000_000.2] + [1_000_000.1, 1_000_000.3] * 500, 0.1),
        ([10_000_000.2] + [10_000_000.1, 10_000_000.3] * 500, 0.1),
    ],
)
def test_sample_deviation_against_the_certified_values_of_nist(values, deviation):
    """NIST Statistical Reference Datasets, univariate: NumAcc1 to NumAcc4, made to break other algorithms."""
    assert sample_std(values) == pytest.approx(deviation, rel=1e-8)
    assert std_acc(values) == sample_std(values[::-1])


def test_avg_std_output_length_by_hand():
    # Items: lengths (10, 14) -> sqrt(8), (5, 5) -> 0; the average over items.
    assert avg_std_output_length([[10, 14], [5, 5]]) == math.sqrt(8) / 2


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_permuting_the_runs_changes_no_bit(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert std_acc(values) == std_acc(shuffled)


def test_one_run_has_no_spread():
    with pytest.raises(ValueError, match="two values"):
        std_acc([0.5])
    with pytest.raises(ValueError, match="at least one item"):
        avg_std_output_length([])
