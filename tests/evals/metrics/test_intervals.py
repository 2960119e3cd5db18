import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import rule_of_three, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_newcombe_1998_table_1_method_3(successes, n, low, high):
    interval = wilson(successes, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_in_range(case):
    successes, n = case
    interval = wilson(successes, n)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


def test_rule_of_three():
    assert rule_of_three(1000) == 0.003
    assert rule_of_three(2) == 1.0
    with pytest.raises(ValueError, match="at least one"):
        rule_of_three(0)


def test_wilson_refuses_nonsense():
    with pytest.raises(ValueError, match="successes"):
        wilson(0, 0)
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)
