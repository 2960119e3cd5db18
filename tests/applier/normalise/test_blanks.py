"""Blank lines between unchanged lines come back where the edit is careless of them, and not otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.normalise import normalise_snippet
from applier.normalise.blanks import missing_blanks
from applier.parse import LazySnippet, parse_edit
from applier.parse.markers import MarkerKind
from applier.text.file_lines import FileLines

FILE = ["import sys", "", "", "def first():", "    one()", "", "    two()", "    three()", "", "", "end()"]


def test_blank_lines_that_none_shows_come_back() -> None:
    edit = ["import sys", "def first():", "    one()", "    two()", "    four()"]
    assert missing_blanks(edit, {}, FileLines(FILE)) == {1: ["", ""], 3: [""]}


def test_one_for_two() -> None:
    edit = ["import sys", "", "def first():", "    zero()", "    one()", "", "    two()"]
    assert missing_blanks(edit, {}, FileLines(FILE)) == {}  # at one place: it may be meant
    again = [*edit, "    three()", "", "end()"]
    assert missing_blanks(again, {}, FileLines(FILE)) == {2: [""], 9: [""]}


@pytest.mark.parametrize(
    "edit",
    [
        ["    one()", "    two()"],  # all that it changes
        FILE[3:8],
        ["import sys", "", "", "def first():", "    zero()", "    three()", "end()", "", "    one()"],
        ["    new()", "    two()"],  # a new line on one side
        ["    one()", "    four()", "    two()"],
    ],
)
def test_other_edits_are_left_alone(edit: list[str]) -> None:
    assert missing_blanks(edit, {}, FileLines(FILE)) == {}


def test_one_kind_shown_as_in_the_file_speaks_for_that_kind_only() -> None:
    file = ["aaa", "", "bbb", "ccc", "", "ddd", "", "", "eee"]
    assert missing_blanks(["aaa", "", "bbb", "x", "ccc", "ddd", "eee"], {}, FileLines(file)) == {6: ["", ""]}


def test_pairs_with_different_gaps_say_nothing() -> None:
    file = ["aaa", "", "bbb", "aaa", "bbb"]
    assert missing_blanks(["new", "aaa", "bbb"], {}, FileLines(file)) == {}


def test_markers_keep_their_rows_and_white_space_its_bytes() -> None:
    file = ["aaa", "  ", "bbb", "ccc", "ddd"]
    parsed = parse_edit("aaa\nbbb\nnew\n# ... existing code ...\nddd", language="python")
    assert isinstance(parsed, LazySnippet)
    made, doubt = normalise_snippet(parsed, file, "python")
    assert made.lines == ("aaa", "  ", "bbb", "new", "# ... existing code ...", "ddd")
    assert made.markers == {4: MarkerKind.ELIDE}
    assert doubt > 0


def test_blank_lines_left_out_at_several_places_are_no_matter_of_doubt() -> None:
    file = ["aaa", "", "bbb", "", "ccc"]
    parsed = parse_edit("aaa\nbbb\nccc\nnew\n# ... existing code ...", language="python")
    assert isinstance(parsed, LazySnippet)
    assert normalise_snippet(parsed, file, "python")[1] == 0


@given(st.lists(st.sampled_from(["", "abc", "def", "ghi"]), max_size=12))
def test_an_edit_that_shows_the_file_is_itself(file: list[str]) -> None:
    assert missing_blanks(file, {}, FileLines(file)) == {}
