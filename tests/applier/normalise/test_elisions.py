"""Comments in an author's own words stand for code where the file has code that the edit does not show."""

from __future__ import annotations

import pytest

from applier.parse.elisions import judge
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


def markers(
    edit: list[str], language: str | None = "python", file: list[str] = FILE
) -> dict[int, MarkerKind]:
    judged = judge(edit, language, FileLines(file))
    return {row: one.kind for row, one in judged.items() if one.odds > 0}


def found(edit: list[str], language: str | None = "python", file: list[str] = FILE) -> list[int]:
    return list(markers(edit, language, file))


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


def test_what_hides_nothing_stays() -> None:
    assert found(["    three = 3", "    # this stays as it is", "    return one"]) == []
    assert found(["    one = 1", "    x = 2  # this stays as it is", "    return one"]) == []


def test_a_comment_of_the_file_stays() -> None:
    file = [*FILE[:2], "    # unchanged parts below", *FILE[2:]]
    assert found(["    one = 1", "    # unchanged parts below", "    return one"], file=file) == []


def test_at_the_ends_of_the_file() -> None:
    edit = [
        "# everything above stays as it was",
        "    return one",
        "",
        "def last():",
        "    return two",
        "new()",
    ]
    assert markers(edit) == {0: MarkerKind.ELIDE}
    assert found(["def first():", "    zero = 0", "# all the other lines are kept here"]) == [2]


def test_headings_of_markdown_are_no_comments() -> None:
    file = ["# A", "text one", "text two", "# B"]
    assert found(["# A", "# this stays as it is", "# B"], "markdown", file) == []
    assert found(["text one", "more", "<!-- keep all here -->"], "markdown", [*file, "c", "d"]) == [2]
