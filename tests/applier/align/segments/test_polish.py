"""New lines fitted to their place."""

from __future__ import annotations

import pytest

from applier.align.segments.habits import Habits
from applier.align.segments.polish import Line, Polish

FILE = """\
class A:
    def one(self):
        return 1

    def two(self):
        return 2
""".splitlines()


def kept(*texts: str) -> list[Line]:
    return [Line(text, None, at) for at, text in enumerate(texts)]


def new(*texts: str) -> list[Line]:
    return [Line(text, at, None) for at, text in enumerate(texts)]


def fitted(
    lines: list[Line], below: str | None = None, strict: bool = False
) -> tuple[list[str], frozenset[str]]:
    out, done = Polish(Habits.of(FILE), None, below, strict)(lines)
    return [line.text or "" for line in out], done


def test_a_method_without_the_indentation_of_its_class_gets_it_and_a_blank_line() -> None:
    texts, done = fitted([*kept(*FILE), *new("def three(self):", "    return 3")])
    assert "    def three(self):" in texts
    assert "        return 3" in texts
    assert texts[texts.index("    def three(self):") - 1] == ""
    assert done == {"indent", "blank"}


def test_lines_that_fit_are_left_alone() -> None:
    lines = [*kept(*FILE), *new("", "    def three(self):", "        return 3")]
    assert fitted(lines) == ([line.text for line in lines], frozenset())


@pytest.mark.parametrize(
    ("above", "line", "below", "expected"),
    [
        ('  "a": 1', '  "b": 2', "}", ['  "a": 1,', '  "b": 2']),
        ('  "a": 1,', '  "b": 2,', "}", ['  "a": 1,', '  "b": 2']),
        ('  "a": 1,', '  "b": 2', '  "c": 3', ['  "a": 1,', '  "b": 2,']),
    ],
)
def test_entries_of_json_are_parted_by_commas(above: str, line: str, below: str, expected: list[str]) -> None:
    texts, done = fitted([*kept("{", above), *new(line)], below=below, strict=True)
    assert texts[1:] == expected
    assert done == {"comma"}


def test_the_habits_of_a_file() -> None:
    habits = Habits.of(FILE)
    assert habits.unit == "    "
    assert habits.between(4) == 1
    assert (
        Habits.of(["import os", "", "", "def f():", "  pass", "", "", "def g():", "  pass"]).between(0) == 2
    )
