"""Line diffs prefer the reading a person would give."""

from __future__ import annotations

from applier.text.hunks import NEAR, Hunk, elsewhere, hunks_elsewhere, line_hunks


def test_an_insertion_slides_to_its_leading_blank_line() -> None:
    old = ["def a():", "    pass", "", "def c():", "    pass"]
    new = ["def a():", "    pass", "", "def b():", "    pass", "", "def c():", "    pass"]
    assert line_hunks(old, new) == [Hunk(2, 2, 2, 5)]


def test_changes_around_a_lone_bracket_are_one() -> None:
    old = ["if one(x) {", "}", "alpha()"]
    new = ["if two(x) {", "}", "omega()"]
    assert line_hunks(old, new) == [Hunk(0, 3, 0, 3)]


def test_a_change_is_elsewhere_beyond_the_context_of_a_diff() -> None:
    old = [f"line {number}" for number in range(20)]

    def changed(*rows: int) -> list[str]:
        return [line + " changed" * (row in rows) for row, line in enumerate(old)]

    assert hunks_elsewhere(old, changed(5), changed(5 + 1 + NEAR)) == 0
    assert hunks_elsewhere(old, changed(5), changed(5 + 2 + NEAR)) == 1
    assert hunks_elsewhere(old, changed(5, 15), changed(5)) == 0
    assert hunks_elsewhere(old, changed(5), changed(5, 12, 18)) == 2
    assert elsewhere(line_hunks(old, changed(5)), line_hunks(old, changed(5, 12))) == [Hunk(12, 13, 12, 13)]
