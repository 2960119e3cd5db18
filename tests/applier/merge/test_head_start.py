from hypothesis import given
from hypothesis import strategies as st

from applier.merge.confidence import ENDLESS, NONE, HeadStart


def test_surer_proposals_start_further_ahead():
    start = HeadStart(-2.0, 8.0)
    assert start.of(3000) == 22.0
    assert start.of(1000) == 6.0
    assert start.of(100) == 0.0  # the model decides alone


@given(st.integers(-20_000, 20_000))
def test_none_and_endless_do_not_depend_on_the_odds(odds: int):
    assert NONE.of(odds) == 0.0
    assert ENDLESS.of(odds) == 1e30


def test_the_fingerprint_sees_both_numbers():
    dicts = [HeadStart(1.0, 2.0).as_dict(), HeadStart(1.0).as_dict(), HeadStart(2.0, 2.0).as_dict()]
    assert len({str(d) for d in dicts}) == 3
