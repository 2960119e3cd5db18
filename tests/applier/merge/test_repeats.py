from hypothesis import given
from hypothesis import strategies as st

from applier.align.propose import propose
from applier.merge.repeats import Repeats, line_limits, repeats
from applier.text.window import GAP
from tests.applier.tiny import codec

ITEMS = ["a = 1", GAP, "", "    b = 2", "é"]


def written(lines) -> list[int]:
    return codec().encode_items(lines)


def test_a_line_may_come_as_often_as_both_sides_have_it():
    limits = line_limits(ITEMS, ["b = 2", "c = 3"])
    assert (limits["b = 2"], limits["a = 1"], limits[""]) == (2, 1, 1)
    assert not Repeats(codec(), limits).exceeded(written(["b = 2", GAP, "        b = 2", "c = 3", "é"]))
    assert Repeats(codec(), limits).exceeded(written(["b = 2", "b = 2", "b = 2"]))
    assert Repeats(codec(), limits).exceeded(written(["", ""]))


def test_lines_of_neither_side_are_free():
    assert not Repeats(codec(), line_limits(ITEMS, [])).exceeded(written(["new"] * 9))


@given(st.lists(st.sampled_from(ITEMS), max_size=12), st.integers(1, 7))
def test_the_passes_do_not_matter(lines, size):
    ids = written(lines)
    limits = line_limits(ITEMS, [])
    at_once = Repeats(codec(), limits).exceeded(ids)
    stepwise = Repeats(codec(), limits)
    found = [stepwise.exceeded(ids[:end]) for end in [*range(0, len(ids), size), len(ids)]]
    assert found[-1] is at_once
    assert found == sorted(found)


lines = st.sampled_from(["a = 1", "    b = 2", "", "}", "# ... existing code ...", "c = 3"])


@given(st.lists(st.none() | lines, max_size=10), st.lists(lines, max_size=10))
def test_no_proposal_exceeds_its_limits(items, edit):
    merged = propose(items, edit, "python").items
    assert not Repeats(codec(), line_limits(items, edit)).exceeded(written(merged))


@given(st.lists(st.sampled_from(ITEMS), max_size=8), st.lists(st.sampled_from(ITEMS), max_size=8))
def test_a_beginning_of_harmless_ids_is_not_counted_and_changes_no_answer(merged, window):
    limits = line_limits(window, ["a = 1", "new"])
    ids = written(merged)
    assert repeats(merged, limits) == Repeats(codec(), limits).exceeded(ids)
    if not repeats(merged, limits):
        for other in (ids, [*ids, *written(["b = 2", "b = 2", "é"])]):
            quick, plain = Repeats(codec(), limits, ids), Repeats(codec(), limits)
            for end in (len(ids) // 2, len(other)):
                assert quick.exceeded(other[:end]) == plain.exceeded(other[:end])
