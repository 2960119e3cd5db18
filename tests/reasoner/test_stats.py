"""The permutation test against hand-counted cases, and its error rate against its promise."""

from __future__ import annotations

import math
import random

import pytest

from reasoner.seeds.stats import agreement, largest_failure_rate, permutation_test


@pytest.mark.parametrize(("outputs", "expected"), [("aaaa", 1.0), ("abcd", 0.0), ("aabb", 2 / 6), ("a", 1.0)])
def test_agreement_counts_equal_pairs(outputs: str, expected: float) -> None:
    assert agreement(outputs) == expected


def test_all_equal_against_all_different_has_the_least_p() -> None:
    test = permutation_test("aaaaaaaa", "bcdefghi")
    assert test.exact
    assert test.p_value == test.smallest_p == 1 / math.comb(16, 8)


def test_a_case_counted_by_hand() -> None:
    # Of the 6 ways to choose 2 of a, a, b, c only {a, a} agrees; the statistic of {b, c} is the smallest.
    assert permutation_test("aa", "bc").p_value == 1 / 6
    assert permutation_test("bc", "aa").p_value == 1.0


def test_without_variation_there_is_no_evidence() -> None:
    assert permutation_test("aaaa", "aaaa").p_value == 1.0
    assert permutation_test("abcd", "efgh").p_value == 1.0


def test_large_groups_are_sampled_and_never_give_zero() -> None:
    test = permutation_test("a" * 30, [str(n) for n in range(30)])
    assert not test.exact
    assert test.p_value == test.smallest_p == 1 / 20_001


def test_false_alarms_stay_under_alpha() -> None:
    """Where the seed means nothing, p < alpha happens at most in alpha of the cases."""
    rng = random.Random(7)
    trials, alpha = 400, 0.05
    alarms = sum(
        permutation_test(rng.choices("abc", k=5), rng.choices("abc", k=5)).p_value < alpha
        for _ in range(trials)
    )
    # three standard deviations above the promise
    assert alarms <= trials * alpha + 3 * math.sqrt(trials * alpha * (1 - alpha))


def test_a_seed_that_works_half_the_time_is_seen() -> None:
    rng = random.Random(7)
    found = 0
    for trial in range(20):
        same = ["same" if rng.random() < 0.8 else f"{trial}-{n}" for n in range(8)]
        found += permutation_test(same, [f"other-{n}" for n in range(8)]).p_value < 0.01
    assert found >= 18


def test_groups_of_one_are_no_groups() -> None:
    with pytest.raises(ValueError, match="two outputs"):
        permutation_test("a", "bc")


def test_the_bound_without_failures() -> None:
    assert largest_failure_rate(0) == 1.0
    assert largest_failure_rate(59) == pytest.approx(0.05, abs=0.001)  # "rule of three"
