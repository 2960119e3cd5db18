import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.text.window import GAP, Window, WindowError


def test_items_mark_every_elided_run():
    window = Window(6, ((1, 2), (4, 5)))
    assert window.items(list("abcdef")) == [GAP, "b", GAP, "e", GAP]
    assert window.gaps == ((0, 1), (2, 4), (5, 6))
    assert window.line_numbers() == [None, 1, None, 4, None]


def test_whole_window_has_no_gap():
    window = Window.whole(3)
    assert window.items(list("abc")) == list("abc")
    assert window.gaps == ()
    assert Window.whole(0).items([]) == []


def test_an_empty_range_is_an_insertion_point():
    window = Window(4, ((2, 2),))
    assert window.items(list("abcd")) == [GAP, GAP]
    assert window.assemble(list("abcd"), [GAP, "new", GAP]) == ["a", "b", "new", "c", "d"]


@pytest.mark.parametrize("ranges", [((2, 1),), ((0, 2), (2, 3)), ((3, 9),), ((2, 3), (0, 1))])
def test_malformed_ranges_are_refused(ranges):
    with pytest.raises(ValueError, match="ranges must ascend"):
        Window(4, ranges)


@pytest.mark.parametrize("merged", [["x"], [GAP, "x"], [GAP] * 3, ["x", GAP, GAP], [GAP, GAP, "x"]])
def test_lost_extra_and_outer_gaps_are_refused(merged):
    with pytest.raises(WindowError):
        Window(4, ((1, 2),)).assemble(list("abcd"), merged)


def test_project_refuses_a_change_inside_a_gap():
    window = Window(5, ((3, 5),))
    assert window.project(list("abcde"), list("aXcde")) is None
    assert window.project(list("abcde"), list("Xabcde")) is None
    assert Window(3, ((0, 1),)).project(list("abc"), list("abcX")) is None
    assert window.project(list("abcde"), list("abcdXe")) == [GAP, "d", "X", "e"]


@st.composite
def files_with_windows(draw):
    lines = draw(st.lists(st.sampled_from("abcd"), max_size=30))
    edges = draw(st.lists(st.integers(0, len(lines)), unique=True, max_size=6).map(sorted))
    ranges = tuple(zip(edges[::2], edges[1::2], strict=False))
    return lines, Window(len(lines), ranges)


@given(files_with_windows())
def test_assemble_inverts_items(case):
    lines, window = case
    assert window.assemble(lines, window.items(lines)) == lines


@given(files_with_windows(), st.data())
def test_project_rebuilds_the_new_file(case, data):
    lines, window = case
    merged = []
    for _, _, kept in window.spans():
        if kept:
            merged += data.draw(st.lists(st.sampled_from("abXY"), max_size=5))
        else:
            merged.append(GAP)
    new = window.assemble(lines, merged)
    projected = window.project(lines, new)
    assert projected is None or window.assemble(lines, projected) == new
