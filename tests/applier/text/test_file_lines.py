"""Where lines stand in a file: as one would look for them one by one."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.text import file_lines
from applier.text.file_lines import FileLines
from applier.text.file_lines_native import CompiledSeek, trusted_seek

LINE = st.text(st.sampled_from("abé€\t \u00a0\u2028\u200b"), max_size=4)
CASE = (st.lists(LINE, max_size=12), st.lists(LINE, max_size=6), st.booleans())


@given(*CASE)
def test_rows_are_those_of_a_search_line_by_line(file: list[str], edit: list[str], together: bool) -> None:
    assert_finds(FileLines(file), file, edit, together)


@given(*CASE, st.sampled_from("\n\r"), st.booleans())
def test_rows_in_the_bytes_of_a_file_are_the_same(
    file: list[str], edit: list[str], together: bool, end: str, ends: bool
) -> None:
    if file and not file[-1]:
        ends = True  # an empty last line is one only with an end
    body = (end.join(file) + end * (ends and bool(file))).encode()
    with patch.object(file_lines, "LARGE", 0):
        assert_finds(FileLines(file, body, ord(end)), file, edit, together)


def test_every_white_space_is_stripped_in_bytes_as_in_text() -> None:
    spaces = [chr(code) for code in range(0x3100) if chr(code).isspace() and chr(code) != "\n"]
    others = [chr(code) for code in range(1, 0x3100) if not chr(code).isspace()]
    seek = trusted_seek()
    if seek is None:
        pytest.skip("no C compiler")
    file = [space + "a" + space for space in spaces] + [other + "a" + other for other in others]
    assert seek.rows("\n".join(file).encode(), 10, ["a"]) == [list(range(len(spaces)))]


def test_more_hits_than_there_is_room_for_are_found() -> None:
    file = ["x", " a "] * 5000
    with patch.object(file_lines, "LARGE", 0):
        assert FileLines(file, "\n".join(file).encode()).rows("a") == list(range(1, 10000, 2))


def test_a_search_that_finds_other_lines_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if trusted_seek() is None:
        pytest.skip("no C compiler")
    real = CompiledSeek.rows

    def wrong(self: CompiledSeek, body: bytes, mark: int, texts: list[str]) -> list[list[int]]:
        return [rows[1:] for rows in real(self, body, mark, texts)]

    monkeypatch.setattr(CompiledSeek, "rows", wrong)
    assert trusted_seek.__wrapped__() is None
    assert "known answers" in caplog.text


def assert_finds(lines: FileLines, file: list[str], edit: list[str], together: bool) -> None:
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
