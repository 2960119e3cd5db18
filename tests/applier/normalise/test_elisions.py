"""Comments in an author's own words stand for code where the file has code that the edit does not show."""

from __future__ import annotations

import pytest

from applier.normalise.elisions import worded_markers
from applier.parse.marker_words import speaks_of_elision
from applier.parse.markers import MarkerKind
from applier.text.file_lines import FileLines

FILE = [
    "def first():",
    "    one = 1",
    "    two = 2",
    "    three = 3",
    "    return one",
    "",
    "def last():",
    "    return two",
]


def found(edit: list[str], language: str | None = "python", file: list[str] = FILE) -> list[int]:
    return list(worded_markers(edit, {}, FileLines(file), language))


@pytest.mark.parametrize(
    "words",
    [
        "(code here stays the same)",
        "-- snip --",
        "[37 lines unchanged]",
        "same as the original",
        "leave this part as is",
        "keep everything here as it was",
        "nothing changes in this part",
    ],
)
def test_words_of_elision(words: str) -> None:
    assert speaks_of_elision(words)
    assert found(["def first():", f"    # {words}", "    return one + 1", "", "def last():"]) == [1]


@pytest.mark.parametrize(
    "words",
    [
        "the remaining users are handled by the caller",
        "keep the original order of the rows",
        "existing sessions expire",
        "do not change this",
        "all of the above",
        "",
    ],
)
def test_other_words(words: str) -> None:
    assert not speaks_of_elision(words)
    assert found(["def first():", f"    # {words}", "    return one"]) == []


@pytest.mark.parametrize(
    "edit",
    [
        ["    three = 3", "    # same as before", "    return one"],  # nothing is left out
        [
            "    two = 2",
            "    # same as before",
            "    return one",
        ],  # it may be new, for that line
        ["    one = 1", "    # same as before", "    new()", "    newer()", "    return one"],  # as many new
        ["    # same as before", "    other()"],  # nothing known around it
        ["    one = 1", "    x = 2  # same as before", "    return one"],  # no line of its own
    ],
)
def test_remarks_stay(edit: list[str]) -> None:
    assert found(edit) == []


def test_a_comment_of_the_file_stays() -> None:
    file = [*FILE[:2], "    # unchanged parts below", *FILE[2:]]
    assert found(["    one = 1", "    # unchanged parts below", "    return one"], file=file) == []


def test_comments_left_out_are_no_code() -> None:
    file = ["a = 1", "# Some", "# remark", "b = 2"]
    assert found(["a = 1", "# same as before", "b = 2"], file=file) == []


def test_at_the_ends_of_the_file() -> None:
    edit = [
        "# everything above stays as it was",
        "    return one",
        "",
        "def last():",
        "    return two",
        "new()",
    ]
    assert worded_markers(edit, {}, FileLines(FILE), "python") == {0: MarkerKind.ELIDE}
    assert found(["def first():", "    zero = 0", "# all the other lines are kept here"]) == [2]


def test_headings_of_markdown_are_no_comments() -> None:
    file = ["# A", "text one", "text two", "# B"]
    assert found(["# A", "# rest unchanged here", "# B"], "markdown", file) == []
    assert found(["text one", "more", "<!-- keep all here -->"], "markdown", [*file, "c", "d"]) == [2]
