import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import distinct_outputs, exact_match_rate, tar_a, tar_r


def test_total_agreement_rates_against_a_hand_count():
    # Three questions, N = 3. Raw: only the first agrees. Parsed: the first two agree.
    raw = [["(A)", "(A)", "(A)"], ["It is B.", "B", "B"], ["C", "C", "D"]]
    parsed = [["A", "A", "A"], ["B", "B", "B"], ["C", "C", "D"]]
    assert tar_r(raw) == 1 / 3
    assert tar_a(parsed) == 2 / 3


PUBLISHED = [
    # raw replies, parsed answers, TARr, TARa
    (["(A)", "(A)"], ["A", "A"], 1.0, 1.0),
    (["Yes", "Yes", "Yes"], ["yes", "yes", "yes"], 1.0, 1.0),
    (["The answer is yes ", "Yes, Yes"], ["yes", "yes"], 0.0, 1.0),
    (["The answer is no ", "Yes, Yes"], ["no", "yes"], 0.0, 0.0),
    (["No", "No"], ["no", "no"], 1.0, 1.0),  # wrong both times, and in full agreement
]


@pytest.mark.parametrize(("raw", "parsed", "tar_raw", "tar_answer"), PUBLISHED)
def test_worked_examples_of_the_authors_of_the_total_agreement_rate(raw, parsed, tar_raw, tar_answer):
    """The cases by which the authors of arXiv 2408.04667 check their own scoring software."""
    assert tar_r([raw]) == tar_raw
    assert tar_a([parsed]) == tar_answer


def test_the_rate_is_over_items_and_the_order_of_runs_or_items_does_not_matter():
    of_two = [row for row in PUBLISHED if len(row[0]) == 2]
    raw, parsed = [row[0] for row in of_two], [row[1] for row in of_two]
    assert (tar_r(raw), tar_a(parsed)) == (0.5, 0.75)
    turned = [run[::-1] for run in raw[::-1]]
    assert tar_r(turned) == 0.5


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.sampled_from(["a", "b", None]), min_size=n, max_size=n), min_size=1)
    ),
    st.randoms(use_true_random=False),
)
def test_permuting_runs_and_items_changes_nothing(items, random):
    shuffled = [random.sample(runs, len(runs)) for runs in items]
    random.shuffle(shuffled)
    assert tar_a(items) == tar_a(shuffled)
    assert tar_r(items) == tar_r(shuffled)
    assert tar_a(items) <= tar_r(items)  # parsed here is raw, but for what could not be parsed


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
