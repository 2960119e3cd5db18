import random

import pytest

from applier.locate.locator import locate
from applier.text.window import Window
from applier.types import Refusal, RefusalReason

KEEP = "# ... existing code ..."


def python_file(functions: int) -> list[str]:
    lines = ["import os", "import sys", "", ""]
    for n in range(functions):
        lines += [
            f"def function_{n}(value):",
            f'    """Number {n}."""',
            "    if value:",
            "        return None",
        ]
        lines += [f"    result = compute_{n}(value)", "    return result", "", ""]
    return lines


def kept(window: Window | Refusal, line: int) -> bool:
    assert isinstance(window, Window)
    return any(start <= line < end for start, end in window.ranges)


def test_a_small_file_is_kept_whole():
    assert locate(["a", "b"], ["c"], "python") == Window(2, ((0, 2),))
    assert locate([], ["c"], "python") == Window.whole(0)


def test_the_window_holds_the_change_and_not_the_file():
    lines = python_file(200)
    edit = [
        KEEP,
        "    result = compute_77(value)",
        "    return result + 1",
        KEEP,
    ]
    window = locate(lines, edit, "python")
    at = lines.index("    result = compute_77(value)")
    assert kept(window, at)
    assert kept(window, at + 1)
    assert window.size < 40


def test_common_lines_are_placed_by_the_scope_that_they_stand_under():
    lines = python_file(200)
    edit = [
        KEEP,
        "def function_120(value):",
        "    # ... existing code ...",
        "        return 0",
    ]
    edit += [KEEP]
    window = locate(lines, edit, "python")
    assert kept(window, lines.index("def function_120(value):") + 3)


def test_a_rewritten_definition_keeps_its_whole_old_body():
    lines = python_file(50)
    body = [f"    step_{n} = {n}" for n in range(60)]
    at = lines.index("def function_20(value):")
    lines[at + 1 : at + 6] = body
    window = locate(
        lines,
        [KEEP, "def function_20(value):", "    pass", KEEP],
        "python",
    )
    assert all(kept(window, n) for n in range(at, at + 61))


def test_a_changed_signature_is_found_by_name():
    lines = python_file(50)
    edit = [
        "# ...",
        "def function_31(left, right, *, strict=False, limit=10, name=None):",
        "    return left",
        "# ...",
    ]
    assert kept(locate(lines, edit, "python"), lines.index("def function_31(value):"))


def test_a_misremembered_line_is_found_by_similarity():
    lines = python_file(50)
    edit = [
        KEEP,
        "    result = compute_31(values)",
        "    yield result",
        KEEP,
    ]
    assert kept(locate(lines, edit, "python"), lines.index("    result = compute_31(value)"))


def test_imports_alone_go_to_the_head_and_a_new_tail_to_the_end():
    lines = python_file(50)
    head = locate(lines, ["import json", KEEP], "python")
    assert kept(head, 0)
    assert kept(head, 1)
    tail = locate(lines, [KEEP, "def quite_new():", "    pass_it_on()"], "python")
    assert kept(tail, len(lines) - 1)


def test_far_hunks_leave_a_gap_between():
    lines = python_file(200)
    edit = [KEEP]
    for n in (10, 180):
        edit += [f"    result = compute_{n}(value)", "    return [result]", KEEP]
    window = locate(lines, edit, "python")
    assert isinstance(window, Window)
    assert len(window.ranges) == 2
    assert len(window.gaps) == 3


def test_equally_good_places_are_refused_with_candidates():
    lines = python_file(50)
    edit = [KEEP, "        return None", "    audit(value)", KEEP]
    refusal = locate(lines, edit, "python")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is RefusalReason.AMBIGUOUS_MATCH
    assert refusal.edit_line == 2
    assert len(refusal.candidates) > 1
    assert all(lines[c.start - 1] == "        return None" for c in refusal.candidates)


def test_an_edit_of_another_file_is_refused():
    edit = [KEEP, "completely unrelated words", "zzz yyy xxx", KEEP]
    refusal = locate(python_file(50), edit, "python")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is RefusalReason.NO_MATCH
    assert refusal.edit_line == 2


def test_margins_can_be_jittered_for_training():
    lines = python_file(200)
    edit = [
        KEEP,
        "    result = compute_77(value)",
        "    return result + 1",
        KEEP,
    ]
    windows = {locate(lines, edit, "python", rng=random.Random(seed)) for seed in range(20)}
    assert len(windows) > 5
    assert all(kept(window, lines.index("    result = compute_77(value)")) for window in windows)
    assert locate(lines, edit, "python", rng=random.Random(3)) == locate(
        lines, edit, "python", rng=random.Random(3)
    )


@pytest.mark.parametrize("edit", [[], [""], [KEEP]])
def test_an_edit_that_shows_nothing_is_refused(edit):
    refusal = locate(python_file(50), edit, "python")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is RefusalReason.NO_MATCH


def test_a_misspelt_line_tells_places_apart():
    lines = python_file(30)
    search = ["    if value:", "        return None", "    result = compute_17(valu)"]
    found = locate(lines, search, "python", anchored=True)
    at = lines.index("    result = compute_17(value)")
    assert kept(found, at)
    assert isinstance(locate(lines, search[:2], "python", anchored=True), Refusal)
