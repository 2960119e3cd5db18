"""How a pass is divided."""

from hypothesis import given
from hypothesis import strategies as st

from applier.engine.fairness import LEAST_DRAFT, LEAST_SHARE, draft_limit, fair_shares, least_share


def test_who_wants_little_leaves_the_rest_to_the_others():
    assert fair_shares([500, 10, 500], 210, least=1) == [100, 10, 100]
    assert fair_shares([5, 5], 100, least=1) == [5, 5]


def test_the_first_are_served_where_there_is_too_little_for_all():
    assert fair_shares([50] * 5, 64, least=32) == [32, 32, 0, 0, 0]
    assert fair_shares([50, 50], 8, least=32) == [8, 0]
    assert fair_shares([5, 50, 3, 50, 9], 48, least=32) == [5, 40, 3, 0, 0]


@given(st.lists(st.integers(1, 3000), max_size=40), st.integers(1, 2000), st.integers(1, 64))
def test_shares_are_max_min_fair(wanted, room, least):
    shares = fair_shares(wanted, room, least)
    assert sum(shares) <= room
    assert all(share <= want for share, want in zip(shares, wanted, strict=True))
    served = sum(share > 0 for share in shares)
    assert all(share > 0 for share in shares[:served])
    if served < len(wanted):
        assert sum(min(want, least) for want in wanted[: served + 1]) > room, "there was no room for more"
    if served > 1:
        assert all(share >= min(want, least) for share, want in zip(shares, wanted[:served], strict=False))
    assert sum(shares) == min(room, sum(wanted[:served])), "nothing wanted is left over"
    hungry = [share for share, want in zip(shares[:served], wanted, strict=False) if share < want]
    if hungry:
        assert max(shares) - min(hungry) <= 1, "nobody has more than one who wants more"


def test_drafts_shrink_with_load_and_with_bad_luck():
    assert draft_limit(1.0, 0, 0) is None
    limits = [draft_limit(pressure, 100, missed) for pressure, missed in ((1.1, 0), (2, 0), (2, 9), (8, 900))]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == LEAST_DRAFT
    assert draft_limit(2, 100, 9) < draft_limit(2, 400, 2)


def test_a_large_pass_is_cut_into_few_parts():
    assert least_share(64) == least_share(1024) == LEAST_SHARE
    assert fair_shares([1500] * 64, 8192, least_share(8192)) == [1024] * 8 + [0] * 56
