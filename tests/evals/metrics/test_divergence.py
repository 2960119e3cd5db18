import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import distinct_outputs, div_index, divergence_positions, first_divergence, token_agreement

RUNS = st.lists(st.lists(st.integers(0, 3), max_size=6).map(tuple), min_size=2, max_size=8)


def test_first_divergence():
    assert first_divergence("abc", "abc") is None
    assert first_divergence("abc", "abd") == 2
    assert first_divergence("ab", "abc") == 2
    assert first_divergence("", "") is None


def test_published_example_of_a_thousand_completions():
    """Thinking Machines, "Defeating Nondeterminism in LLM Inference" (2025).

    1,000 completions at temperature 0 gave 80 unique ones, the commonest 78 times. All share their first 102
    tokens; at the 103rd, 992 say "Queens" and 8 say "New York City".
    """
    prefix = ["t"] * 102
    queens = [(*prefix, "Queens", f"v{i}") for i in range(78)]
    city = [(*prefix, "New York City", f"c{i}") for i in range(2)]
    runs = [queens[0]] * 78 + [queens[1 + i % 77] for i in range(992 - 78)] + [city[i % 2] for i in range(8)]
    assert len(runs) == 1000
    assert distinct_outputs(runs) == 80
    assert div_index(runs) == 102
    positions = divergence_positions(runs)
    assert len(positions) == 1000 - 78
    assert positions.count(102) == 8
    assert positions.count(103) == 1000 - 78 - 8


def test_token_agreement_by_hand():
    # Pairs: (ab, ab) 1, (ab, ac) 1/2 twice: (1 + 1/2 + 1/2) / 3.
    assert token_agreement(["ab", "ab", "ac"]) == pytest.approx(2 / 3, abs=0)
    # A missing tail disagrees: 2 of 4 positions.
    assert token_agreement(["ab", "abcd"]) == 0.5
    assert token_agreement(["", ""]) == 1.0


def test_one_run_is_no_comparison():
    with pytest.raises(ValueError, match="at least two"):
        div_index([[1, 2]])
    with pytest.raises(ValueError, match="at least two"):
        token_agreement([[1, 2]])


@given(RUNS, st.randoms(use_true_random=False))
def test_permuting_the_runs_changes_nothing(runs, random):
    shuffled = list(runs)
    random.shuffle(shuffled)
    assert div_index(runs) == div_index(shuffled)
    assert divergence_positions(runs) == divergence_positions(shuffled)
    assert token_agreement(runs) == token_agreement(shuffled)


@given(RUNS)
def test_div_index_is_the_length_of_the_common_prefix(runs):
    index = div_index(runs)
    if index is None:
        assert distinct_outputs(runs) == 1
    else:
        assert len({run[:index] for run in runs}) == 1
        assert len({run[: index + 1] for run in runs}) > 1
