"""Edits as models write them, and the labels of their lines."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.text.hunks import line_hunks
from training.samples.check_labels import agreement, consistency
from training.samples.recover_labels import labels_of
from training.synth.labels import EditLabels, Label, reapply
from training.synth.remarks import Remarks, names_in
from training.synth.written import MANNERS, WrittenEdit, write_edit

MEMBER = """\
    def {name}(self, value, scale={n}):
        scaled = value * {n}
        self.check_{name}(
            scaled,
            limit={n}00,
        )
        return self.{name}_of[scaled]
"""
NAMES = ("weight", "height", "colour", "volume", "radius", "tempo")
OLD = ["import os", "import sys", "", "", "class Shape:"] + [
    line for n, name in enumerate(NAMES) for line in MEMBER.format(name=name, n=n + 2).split("\n")
]


def _changed() -> list[str]:
    new = list(OLD)
    at = new.index("    def volume(self, value, scale=5):")
    new[at:at] = ["    def length(self, value):", '        """New."""', "        return value + 17", ""]
    at = new.index("        scaled = value * 3")
    new[at] = "        scaled = clamp(value) * 3"
    del new[new.index("            limit=700,")]
    new[1:1] = ["import re"]
    return new


NEW = _changed()


@cache
def edits() -> list[WrittenEdit]:
    every = line_hunks(OLD, NEW)
    made = [
        write_edit(OLD, NEW, every, "pkg/shape.py", "python", "Add a length", seed) for seed in range(300)
    ]
    return [edit for edit in made if edit is not None]


def lines_of(edit: WrittenEdit) -> list[str]:
    return edit.edit[:-1].split("\n")


def test_a_seed_gives_the_same_edit_again_and_most_seeds_give_one() -> None:
    again = [
        write_edit(OLD, NEW, line_hunks(OLD, NEW), "pkg/shape.py", "python", "Add a length", s)
        for s in range(20)
    ]
    assert [edit for edit in again if edit is not None] == edits()[: sum(edit is not None for edit in again)]
    assert len(edits()) > 240


def test_every_manner_and_habit_occurs() -> None:
    styles = Counter(edit.style for edit in edits())
    tags = Counter(tag for edit in edits() for tag in edit.tags)
    assert set(styles) == set(MANNERS)
    for tag in (
        "several_blocks",
        "addition",
        "dedented",
        "slip_words",
        "slip_join",
        "view:holes",
        "view:bare",
    ):
        assert tags[tag], tag


def test_the_labels_give_the_result() -> None:
    for edit in edits():
        assert len(edit.labels.labels) == len(edit.labels.sources) == len(lines_of(edit))
        assert edit.result == NEW
        if not edit.labels.unshown:
            assert reapply(OLD, NEW, edit.labels) == NEW


def test_what_is_not_shown_of_the_change_is_blank() -> None:
    assert all(not NEW[j].strip() for edit in edits() for j in edit.labels.unshown)


def test_labels_are_recovered_from_the_texts_alone() -> None:
    counts: Counter[str] = Counter()
    for edit in edits():
        agreement(edit.labels, labels_of(OLD, lines_of(edit), NEW, "pkg/shape.py"), lines_of(edit), counts)
    assert counts["strong agree"] >= 0.99 * counts["strong"]


ORIGINAL = """\
import os

class Store:
    def load(self, path):
        data = read(path)
        return data

    def save(self, path, data):
        write(
            path,
            data,
        )
        self.saved = True
        return path

    def close(self):
        self.open = False
""".splitlines()
RESULT = [*ORIGINAL[:12], "        self.saved = path", *ORIGINAL[13:]]


def labelled(edit: list[str], result: list[str] = RESULT) -> list[tuple[Label, int]]:
    found = labels_of(ORIGINAL, edit, result, "pkg/store.py")
    return [(Label(label), source) for label, source in zip(found.labels, found.sources, strict=True)]


def test_joined_context_has_the_first_line_as_its_source() -> None:
    edit = ["    def save(self, path, data):", "        write(path, data)", "        self.saved = path"]
    assert labelled(edit) == [(Label.CONTEXT, 7), (Label.CONTEXT, 8), (Label.NEW, 12)]


@pytest.mark.parametrize("remark", ["# nothing new in here", "(load stays the same)", "... load as it was"])
def test_remarks_in_own_words_are_markers_and_sentences_are_talk(remark: str) -> None:
    block = ["```python", "class Store:", f"    {remark}", *RESULT[7:8], RESULT[12], "```"]
    edit = ["Remember the path:", "", *block, "That is all."]
    labels = [label for label, _ in labelled(edit)]
    assert labels == [
        *[Label.TALK] * 3,
        Label.CONTEXT,
        Label.MARKER,
        Label.CONTEXT,
        Label.NEW,
        *[Label.TALK] * 2,
    ]


def test_blocks_may_come_in_any_order() -> None:
    result = [*RESULT[:1], "import re", *RESULT[1:]]
    edit = [
        "```",
        "        self.saved = path",
        "        return path",
        "```",
        "And:",
        "```",
        "import os",
        "import re",
        "```",
    ]
    assert labelled(edit, result)[1:3] == [(Label.NEW, 13), (Label.CONTEXT, 13)]
    assert labelled(edit, result)[6:8] == [(Label.CONTEXT, 0), (Label.NEW, 1)]


def test_signs_are_no_part_of_a_line() -> None:
    edit = ["        )", "-        self.saved = True", "+        self.saved = path", "        return path"]
    assert labelled(edit) == [(Label.CONTEXT, 11), (Label.REMOVED, 12), (Label.NEW, 12), (Label.CONTEXT, 13)]


def test_a_missing_comma_is_glue() -> None:
    original, result = ["[", "  one", "]"], ["[", "  one,", "  two", "]"]
    labels = labels_of(original, ["  one", "  two"], result)
    assert consistency(original, ["  one", "  two"], result, labels) == "glue"


def test_a_fence_of_the_file_is_no_fence_of_the_answer() -> None:
    original = ["# Title", "Run this command:", "```console", "$ tool", "```", "Then read on here."]
    edit = ["Run this command:", "```console", "$ tool --fast", "```", "Then read on here."]
    result = [*original[:3], "$ tool --fast", *original[4:]]
    assert labels_of(original, edit, result).labels == [2, 2, 3, 2, 2]


@given(
    st.lists(st.sampled_from(["a = 1", "b = 2", "", "}", "return a"]), max_size=8),
    st.lists(st.text(max_size=12), max_size=8),
)
def test_any_edit_gets_one_label_a_line(original: list[str], edit: list[str]) -> None:
    found = labels_of(original, edit, original[::-1])
    assert len(found.labels) == len(found.sources) == len(edit)


def test_labels_that_collide_give_nothing() -> None:
    assert reapply(["a"], ["a"], EditLabels([int(Label.NEW)], [5])) is None


def test_names_are_those_of_the_outermost_level() -> None:
    assert names_in(OLD[5:], "python") == ["weight", "height", "colour", "volume"]
    assert names_in(["# load reads", "x"], "python") == []


def test_remarks_differ_between_authors() -> None:
    seeds = range(60)
    hidden = OLD[5:13]
    texts = {
        Remarks("python", random.Random(seed)).marker(hidden, first=False, last=False, near="x")
        for seed in seeds
    }
    assert len(texts) > 30
    assert all("\n" not in text for text in texts)
    tool = {
        Remarks("go", random.Random(seed), tool=True).marker(hidden, first=False, last=False, near="x")
        for seed in seeds
    }
    assert "// ... existing code ..." in tool
