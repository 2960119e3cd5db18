"""Readings that no alignment gives by itself."""

from __future__ import annotations

from applier.align.input import Scene
from applier.align.segments.analyse import analyse


def merges(file: list[str], edit: list[str], language: str = "python") -> set[tuple[object, ...]]:
    analysis = analyse(Scene.of(file, edit, language), language)
    first = [readings[0] for _, readings in analysis.segments]
    return {
        tuple(analysis.merged([*first[:at], reading, *first[at + 1 :]]))
        for at, (_, readings) in enumerate(analysis.segments)
        for reading in readings
    }


def test_a_misquoted_line_can_be_the_files() -> None:
    file = ["def f(a):", "    total = compute(a, 10)", "    log(total)", "    return total"]
    edit = ["def f(a):", "    total = compute( a, 10 )", "    log(total, a)", "    return total"]
    assert (file[0], file[1], edit[2], file[3]) in merges(file, edit)
    assert tuple(edit) in merges(file, edit)


def test_a_comment_that_is_not_shown_can_stay() -> None:
    file = ["def f(a):", "    # keep the order", "    b = a", "    return b"]
    edit = ["def f(a):", "    b = a + 1", "    return b"]
    assert (file[0], file[1], edit[1], file[3]) in merges(file, edit)


def test_new_lines_can_stand_at_either_end_of_what_is_not_shown() -> None:
    file = ["a = 1", "", "b = 2", "", "c = 3"]
    edit = ["a = 1", "new = 0", "c = 3"]
    found = merges(file, edit)
    assert ("a = 1", "new = 0", "", "b = 2", "", "c = 3") in found
    assert ("a = 1", "", "b = 2", "", "new = 0", "c = 3") in found
    assert ("a = 1", "new = 0", "c = 3") in found


def test_lines_of_a_definition_are_no_lines_of_one_with_another_name() -> None:
    file = ["def one():", "    x = 1", "    return x", "", "", "def two():", "    x = 2", "    return x"]
    edit = ["def three():", "    x = 1", "    return x"]
    assert (*file, "", "", *edit) in merges(file, edit) or (*edit, "", "", *file) in merges(file, edit)
