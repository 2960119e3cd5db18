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


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("    # two and three are unchanged", "python"),
        ("    # ... both numbers ...", "python"),
        ("    (the numbers stay the same)", "python"),
        ("    the rest here stays the same", "python"),
        ("    // (two, three unchanged)", "go"),
        ("     * ... rest of the licence ...", "java"),
        ("    {/* other items as before */}", "tsx"),
        ("    /* previous items */", "css"),
        ('    "...": "..."', "json"),
        ("    ... (two, three) ...", "json"),
        ("    ...", "yaml"),
        ("    -- rest of columns", "sql"),
        ("    <!-- other items: no changes -->", "html"),
    ],
)
def test_placeholders_in_anybodys_words(line: str, language: str) -> None:
    edit = ["def first():", "    one = 1", line, "    return one", "    new()"]
    assert found(edit, language) == [2]


@pytest.mark.parametrize(
    "line",
    [
        "    # keep the original order",
        "    # move the clock until it rings...",
        "    # handle text as before",
        "    # existing sessions expire",
        "    # removed rows are counted",
        "    ...items,",
        '    print("the rest stays the same")',
        "    value = rest or other",
    ],
)
def test_new_remarks_and_code_stay(line: str) -> None:
    assert found(["def first():", "    one = 1", line, "    return one"], "javascript") == []
    assert found(["def first():", "    one = 1", line, "    return one"], "python") == []


def test_a_sentence_between_runs_of_code_is_talk() -> None:
    def talk(lines: list[str], language: str = "python") -> list[int]:
        judged = judge(lines, language, FileLines(FILE), talks=True)
        return [row for row, one in judged.items() if one.odds > 0]

    edit = ["In the first one:", "", "    one = 11", "", "Both are numbers now.", "", "    two = 22"]
    assert talk(edit) == [0, 4]
    for line in ("async def later(one: int) -> None:", "Resources:", "value = one.two", "Foo().bar()"):
        assert talk(["x = 1", "", line, "    two = 2"]) == []
    assert talk(["Resources:", "", "- one"], "yaml") == []


def test_a_remark_on_a_removal() -> None:
    edit = ["def first():", "    # removed two", "    return one"]
    assert markers(edit) == {1: MarkerKind.DELETE}
    assert markers(["def first():", "    # removed spam", "    return one"]) == {}


def test_dots_are_a_body_under_a_new_head() -> None:
    edit = ["def first():", "    ...", "", "def newer():", "    ..."]
    assert found(edit) == [1]


def test_a_replacement_is_judged_by_its_search_text() -> None:
    judged = judge(["a + 1", "-- rest of columns"], "sql", FileLines(["a", "b", "c"]), whole=True)
    assert judged[1].odds > 0
    assert judge(["-- rest of columns"], "sql", FileLines(["a"]), whole=True)[0].odds < 0


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
