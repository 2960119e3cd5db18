import pytest

from evals.metrics import distinct_outputs, exact_match_rate, tar_a, tar_r


def test_total_agreement_rates_against_a_hand_count():
    # Three questions, N = 3. Raw: only the first agrees. Parsed: the first two agree.
    raw = [["(A)", "(A)", "(A)"], ["It is B.", "B", "B"], ["C", "C", "D"]]
    parsed = [["A", "A", "A"], ["B", "B", "B"], ["C", "C", "D"]]
    assert tar_r(raw) == 1 / 3
    assert tar_a(parsed) == 2 / 3


def test_an_unparsed_answer_agrees_with_nothing():
    assert tar_a([["A", "A"], [None, None]]) == 0.5
    assert tar_a([[None]]) == 0.0


def test_exact_match_is_by_bytes():
    assert exact_match_rate([(b"a\n", b"a\n"), (b"a\r\n", b"a\n"), (b"a", b"a\n")]) == 1 / 3


def test_nothing_scored_is_an_error_and_not_zero():
    with pytest.raises(ValueError, match="at least one"):
        exact_match_rate([])
    with pytest.raises(ValueError, match="same number of runs"):
        tar_r([])
    with pytest.raises(ValueError, match="same number of runs"):
        tar_r([["a"], ["a", "b"]])


def test_distinct_outputs_counts_values():
    assert distinct_outputs([b"x", b"y", b"x"]) == 2
    assert distinct_outputs([]) == 0
