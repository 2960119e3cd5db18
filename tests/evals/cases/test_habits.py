"""Every habit on one written change: the edit shows the habit, and its truth is the commit's."""

import random

import pytest

from applier.syntax.languages import language_for_path
from applier.text.hunks import is_weak
from applier.types import Status, Tier
from evals.cases import Case
from evals.cases.habits import HABITS, Change, write
from evals.cases.habits.snippets import PHRASES
from evals.measure.score import Outcome, score
from evals.runs.subjects import open_baseline
from training.synth import markers

GO = """package shop

import (
\t"errors"
\t"fmt"
)

// Item is one line of an order.
type Item struct {
\tName  string
\tPrice int
}

func Total(items []Item) int {
\tsum := 0
\tfor _, item := range items {
\t\tsum += item.Price
\t}
\treturn sum
}

func Describe(items []Item) string {
\ttext := ""

\tfor _, item := range items {
\t\ttext += fmt.Sprintf("%s: %d\\n", item.Name, item.Price)
\t}

\treturn text
}

func Validate(items []Item) error {
\tif len(items) == 0 {
\t\treturn errors.New("no items")
\t}

\tfor _, item := range items {
\t\tif item.Name == "" {
\t\t\treturn errors.New("item has no name")
\t\t}
\t\tif item.Price < 0 {
\t\t\treturn errors.New("price is negative")
\t\t}
\t}

\tfirst := items[0]
\tlast := items[len(items)-1]
\tfmt.Println(first.Name, last.Name)
\tcount := len(items)
\tfmt.Println(count)

\tif first.Price > last.Price {
\t\tfmt.Println("descending")
\t}
\treturn nil
}

func Reset(items []Item) {
\tfor i := range items {
\t\titems[i].Price = 0
\t}
}
"""
PYTHON = GO.replace("\t", "    ")
EDITS = [
    ("\tPrice int\n", "\tPrice int\n\tTaxed bool\n"),
    ('\t\tfmt.Println("descending")\n', '\t\tfmt.Println("from dear to cheap")\n\t\tcount--\n'),
    ("\treturn sum\n", "\tif sum < 0 {\n\t\treturn 0\n\t}\n\treturn sum\n"),
]
DEEP = [("\tcount := len(items)\n", "\tcount := len(items) + 1\n")]
SCRIPT = """import sys

LIMIT = 3


def first(values):
    total = 0
    for value in values:
        total += value
    return total


def second(values):
    best = None

    for value in values:
        if best is None or value > best:
            best = value

    return best


def third(values):
    print(values)
    print(values)
    return sys.maxsize
"""


def change(path, text, edits, other=None):
    new = text
    for old_part, new_part in edits:
        assert new.count(old_part) >= 1
        new = new.replace(old_part, new_part, 1)
    lines = [part.removesuffix("\n").split("\n") for part in (text, new)]
    return Change(path, language_for_path(path), *lines, other)


OTHER = change("other.go", "package other\n\nfunc Alpha() int {\n\treturn 1\n}\n\nfunc Beta() int {\n\treturn 2\n}\n\nfunc Gamma() int {\n\treturn 3\n}\n\nfunc Delta() int {\n\treturn 4\n}\n", [("return 3", "return 33")])  # fmt: skip  # noqa: E501
SPACES = [(a.replace("\t", "    "), b.replace("\t", "    ")) for a, b in EDITS]
CHANGES = [
    *(change("shop.go", GO, edits, OTHER) for edits in (EDITS, EDITS[:1], EDITS[1:2], EDITS[2:], DEEP)),
    *(change("shop.js", PYTHON, edits) for edits in (SPACES, SPACES[1:2], SPACES[2:])),
    change("script.py", SCRIPT, [("    return best\n", "    return best if best else 0\n")]),
    change("script.py", SCRIPT, [("    print(values)\n", "    print(len(values))\n")]),
]


def draws(name, count=12):
    """(change, edit) for every change and draw that the habit can write."""
    for number, one in enumerate(CHANGES):
        for seed in range(count):
            written = HABITS[name](one, random.Random(1000 * number + seed))
            if written is not None:
                yield one, written


def as_case(one, written):
    join = lambda lines: None if lines is None else ("\n".join(lines) + "\n").encode()  # noqa: E731
    return Case(
        id="x",
        category=written.category,
        language=one.language,
        path=one.path,
        format=written.format,
        original=join(written.old or one.old),
        edit=written.edit.encode(),
        expected=join(written.new),
        refusals=written.refusals,
        not_exact=written.not_exact,
        placeholders=written.placeholders,
    )


@pytest.mark.parametrize("name", HABITS)
def test_every_habit_is_written_with_one_right_answer(name):
    found = list(draws(name))
    assert found, name
    for one, written in found:
        assert (written.new is None) == bool(written.refusals)
        if written.new is not None and written.old is None:
            assert written.new != one.old


@pytest.mark.parametrize(
    "name",
    ["unnumbered_diff", "miscounted_diff", "v4a", "several_blocks", "conflict_style", "whole_file"],
)
def test_the_applier_confirms_the_truth_of_edits_that_are_exact(name, tiny_folder):
    baseline = open_baseline(tiny_folder)
    for one, written in list(draws(name, 4)):
        case = as_case(one, written)
        result = baseline.apply(case.request())
        assert score(case, result) is Outcome.EXACT, written.edit
        assert result.tier is Tier.EXACT


@pytest.mark.parametrize("name", ["stale_hunk_among_others", "stale_block_among_others", "v4a_drift"])
def test_a_misremembered_place_is_no_exact_match(name, tiny_folder):
    baseline = open_baseline(tiny_folder)
    for one, written in list(draws(name, 4)):
        result = baseline.apply(as_case(one, written).request())
        assert result.tier is not Tier.EXACT or result.status is Status.REFUSED


def test_two_places_are_refused_and_no_place_is_none(tiny_folder):
    baseline = open_baseline(tiny_folder)
    for one, written in list(draws("block_with_two_places", 4)):
        case = as_case(one, written)
        assert score(case, baseline.apply(case.request())) is Outcome.REFUSED_RIGHTLY, written.edit
    for name in ("block_for_another_file", "snippet_for_another_file"):
        for one, written in list(draws(name, 4)):
            shared = {line.strip(" +-") for line in written.edit.splitlines()} & {*map(str.strip, one.old)}
            assert all(is_weak(line) for line in shared)


def test_white_space_habits_show_what_they_are_named_for():
    for name in ("spaces_for_tabs", "search_with_spaces_for_tabs"):
        edits = [written.edit for _, written in draws(name)]
        assert not any(line.startswith("\t") for edit in edits for line in edit.splitlines())
        assert all(any("\t" in line for line in written.new) for _, written in draws(name))
    assert all("\r\n" in written.edit for _, written in draws("foreign_line_ends"))
    assert all(
        all(line.startswith("  ") for line in written.edit.splitlines() if line.strip())
        for _, written in draws("overindented")
    )
    assert any("\n  for " in written.edit for _, written in draws("narrow_indent"))


def test_unknown_markers_are_in_no_training_edit_and_are_known_to_the_case():
    pools = (markers.COMMON, markers.INSIDE_SCOPE, markers.AT_TOP, markers.AT_END)
    assert not set(PHRASES) & {phrase for pool in pools for phrase in pool}
    for _, written in draws("unknown_marker"):
        assert written.placeholders
        assert any(line.strip() in written.placeholders for line in written.edit.splitlines())
        assert not any(line.strip() in written.placeholders for line in written.new)


def test_the_rarest_habit_is_tried_first_and_the_draw_is_the_seeds():
    one = CHANGES[0]
    taken = dict.fromkeys(HABITS, 5) | {"v4a": 0}
    assert write(one, 7, taken)[0] == "v4a"
    assert write(one, 7) == write(one, 7)
