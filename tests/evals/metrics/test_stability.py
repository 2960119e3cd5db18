import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import coverage_risk, edit_stability, normalise_whitespace


def test_edit_stability_raw_and_normalised_by_hand():
    stable = [b"+a\n", b"+a\n"]
    whitespace = [b"+a  b\n", b"+a b\r\n"]
    different = [b"+a\n", b"+b\n"]
    refused_once = [b"+a\n", b""]
    measured = edit_stability([stable, whitespace, different, refused_once])
    assert measured.raw == 0.25
    assert measured.whitespace_normalised == 0.5
    assert (measured.edits, measured.runs) == (4, 8)


def test_normalisation_keeps_what_is_not_blank():
    assert normalise_whitespace(b"+\tif  x:\r\n\n+  y \n") == b"+ if x:\n+ y"


def test_no_runs_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        edit_stability([[]])


@given(
    st.lists(
        st.lists(st.sampled_from([b"+a", b"+a ", b"+b", b""]), min_size=1, max_size=5), min_size=1, max_size=5
    ),
    st.randoms(use_true_random=False),
)
def test_permuting_runs_and_edits_changes_nothing(diffs, random):
    shuffled = [random.sample(runs, len(runs)) for runs in diffs]
    random.shuffle(shuffled)
    assert edit_stability(diffs) == edit_stability(shuffled)


def test_coverage_risk_by_hand():
    points = coverage_risk([(0.9, True), (0.8, False), (0.8, True), (0.5, True)], total=5)
    assert [(p.threshold, p.coverage, p.risk) for p in points] == [
        (0.9, 0.2, 0.0),
        (0.8, 0.6, 1 / 3),
        (0.5, 0.8, 0.25),
    ]


def test_more_answers_than_cases_is_an_error():
    with pytest.raises(ValueError, match="1 answers to 0 cases"):
        coverage_risk([(0.5, True)], total=0)
