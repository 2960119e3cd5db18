"""Synthetic edits: reproducible, exact, and with one meaning."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from applier.parse.markers import MarkerKind, find_markers, marker_kind
from applier.text.hunks import Hunk
from training.synth import Expectation, SynthCase, generate
from training.synth.context import settle
from training.synth.markers import MarkerHabit
from training.synth.view import View

BODY = "def step_{n}(value):\n    scaled = value * {n}\n    check(scaled)\n    return scaled\n\n"
FUNCTIONS = [line for n in range(14) for line in BODY.format(n=n).split("\n")]


def edited() -> list[str]:
    new = list(FUNCTIONS)
    new[7] = "    scaled = value * 100"
    new[50:50] = ["    log(scaled)", "    audit(value)"]
    return new


def cases(count: int = 120) -> list[SynthCase]:
    made = [generate(FUNCTIONS, edited(), "pkg/steps.py", "python", seed) for seed in range(count)]
    return [case for case in made if case is not None]


def test_a_seed_gives_the_same_case_again() -> None:
    assert cases(20) == cases(20)


def test_most_draws_give_a_case_and_every_habit_occurs() -> None:
    made = cases()
    tags = Counter(tag for case in made for tag in case.tags)
    assert len(made) > 100
    for tag in ("style:context", "style:headers", "style:whole_scope", "style:heads_only", "fenced",
                "missing_marker_start", "missing_marker_end", "search_replace", "unified_diff"):  # fmt: skip
        assert tags[tag], tag


def test_the_truth_is_made_of_the_commit() -> None:
    old, new = set(FUNCTIONS), set(edited())
    for case in cases():
        assert set(case.new) <= old | new
        if case.expectation is Expectation.ALREADY_APPLIED:
            assert case.old == case.new
        else:
            assert case.old == FUNCTIONS
            assert case.new != case.old


def test_no_marker_is_part_of_the_truth() -> None:
    for case in cases():
        assert not find_markers(case.new, case.language)


def test_neighbours_of_a_removal_are_shown() -> None:
    new = FUNCTIONS[:20] + FUNCTIONS[21:]
    for seed in range(60):
        case = generate(FUNCTIONS, new, "steps.py", "python", seed, formats={"lazy": 1.0})
        if case is None:
            continue
        kinds = find_markers(case.edit_lines, "python")
        texts = [line.strip() for i, line in enumerate(case.edit_lines) if i not in kinds]
        at = texts.index(FUNCTIONS[19].strip())
        assert texts[at + 1] == FUNCTIONS[21].strip()


def test_repeated_context_grows_until_it_is_unique() -> None:
    view = View(FUNCTIONS, [*FUNCTIONS[:9], "    extra()", *FUNCTIONS[9:]], [Hunk(9, 9, 9, 10)])
    view.show(8, 10)
    assert view.places(view.hunks[0]) > 1
    assert settle(view, random.Random(0))
    assert view.places(view.hunks[0]) == 1 or any(
        view.shown[i] and "def step_1" in FUNCTIONS[i] for i in range(9)
    )


def test_a_file_of_equal_parts_gives_no_case() -> None:
    old = ["begin()", "work()", "end()"] * 20
    new = [*old[:31], "more()", *old[31:]]
    assert generate(old, new, "a.py", "python", 3, formats={"lazy": 1.0}) is None


@pytest.mark.parametrize(
    "language",
    ["python", "typescript", "go", "rust", "java", "css", "html", "sql", "yaml", "bash", "ruby", "vue"],
)
def test_every_marker_is_one_to_the_applier(language: str) -> None:
    for seed in range(200):
        habit = MarkerHabit(language, random.Random(seed))
        for first, last, indent in ((True, False, ""), (False, True, ""), (False, False, "    ")):
            marker = indent + habit.elision(first=first, last=last, indent=indent)
            assert marker_kind(marker, language) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST), marker
