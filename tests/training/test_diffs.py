"""Line diffs: they rebuild the new file and prefer the reading a person would give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.diffs import Hunk, line_hunks
from training.synth.generate import apply_hunks, renumber

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "}", "call(x)", "return y"]), max_size=14)


@given(LINES, LINES)
def test_hunks_rebuild_the_new_file(old: list[str], new: list[str]) -> None:
    assert apply_hunks(old, new, line_hunks(old, new)) == new


@given(LINES, LINES, st.data())
def test_a_subset_renumbered_rebuilds_itself(old: list[str], new: list[str], data: st.DataObject) -> None:
    hunks = line_hunks(old, new)
    chosen = [hunk for hunk in hunks if data.draw(st.booleans())]
    target = apply_hunks(old, new, chosen)
    assert apply_hunks(old, target, renumber(chosen)) == target


def test_an_insertion_slides_to_its_leading_blank_line() -> None:
    old = ["def a():", "    pass", "", "def c():", "    pass"]
    new = ["def a():", "    pass", "", "def b():", "    pass", "", "def c():", "    pass"]
    assert line_hunks(old, new) == [Hunk(2, 2, 2, 5)]


def test_changes_around_a_lone_bracket_are_one() -> None:
    old = ["if one(x) {", "}", "alpha()"]
    new = ["if two(x) {", "}", "omega()"]
    assert line_hunks(old, new) == [Hunk(0, 3, 0, 3)]
