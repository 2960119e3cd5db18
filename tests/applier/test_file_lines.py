"""Where lines stand in a file: as one would look for them one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from applier.file_lines import FileLines

LINE = st.text(st.sampled_from("ab\t \u00a0\u2028"), max_size=4)


@given(st.lists(LINE, max_size=12), st.lists(LINE, max_size=6), st.booleans())
def test_rows_are_those_of_a_search_line_by_line(file: list[str], edit: list[str], together: bool) -> None:
    lines = FileLines(file)
    if together:
        lines.seek(edit)
    for line in edit:
        want = [row for row, other in enumerate(file) if line.strip() and other.strip() == line.strip()]
        assert list(lines.rows(line)) == want
        assert lines.has(line) is bool(want)
        within = [row for row, other in enumerate(file) if line.strip() in other.strip()]
        assert list(lines.rows_with(line.strip())) == within


def test_blank_lines_stand_nowhere() -> None:
    lines = FileLines(["", "a", " "])
    assert not lines.has("")
    assert not lines.rows("  ")


def test_what_was_found_is_kept() -> None:
    lines = FileLines(["a", " a"])
    assert FileLines.of(lines) is lines
    assert FileLines.of(["a"]) == ["a"]
    assert lines.rows("a") is lines.rows("\ta")
