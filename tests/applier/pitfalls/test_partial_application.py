"""All parts of an edit or none."""

from __future__ import annotations

import pytest

from applier.exact.apply_exact import NeedsModel, apply_exact
from applier.parse import parse_edit
from applier.text.source_text import Replacement, SourceText
from applier.types import RefusalReason, Status
from tests.applier.exact_tier import run

SOURCE = b"a = 1\nb = 2\nc = 3\nd = 4\n"
GOOD = b"<<<<<<< SEARCH\na = 1\n=======\na = 10\n>>>>>>> REPLACE\n"
DRIFTED = b"<<<<<<< SEARCH\nc  =  3\n=======\nc = 30\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize("edit", [GOOD + DRIFTED, DRIFTED + GOOD])
def test_one_part_that_does_not_match_stops_all(edit: bytes) -> None:
    outcome = run(SOURCE, edit)
    assert outcome.status is Status.REFUSED
    assert outcome.content == SOURCE


def test_the_model_gets_the_parts_that_are_left() -> None:
    source = SourceText.decode(SOURCE)
    outcome = apply_exact(source, parse_edit((GOOD + DRIFTED).decode()), "python")
    assert isinstance(outcome, NeedsModel)
    assert outcome.ready == (Replacement(0, 1, ("a = 10",)),)
    assert [part.line for part in outcome.pending] == [6]


def test_hunks_of_a_diff_are_one_edit() -> None:
    edit = b"@@ -1 +1 @@\n-a = 1\n+a = 10\n@@ -4 +4 @@\n-d = 5\n+d = 40\n"
    assert run(SOURCE, edit).content == SOURCE


def test_parts_that_change_the_same_line_contradict_each_other() -> None:
    edit = GOOD + GOOD.replace(b"a = 10", b"a = 11")
    assert run(SOURCE, edit).reason is RefusalReason.CONTRADICTORY_EDIT


def test_a_part_that_relies_on_a_line_that_another_changes() -> None:
    edit = GOOD + b"<<<<<<< SEARCH\na = 1\nb = 2\n=======\na = 1\nb = 20\n>>>>>>> REPLACE\n"
    assert run(SOURCE, edit).reason is RefusalReason.CONTRADICTORY_EDIT


def test_parts_may_share_context() -> None:
    edit = (
        b"<<<<<<< SEARCH\na = 1\nb = 2\n=======\na = 10\nb = 2\n>>>>>>> REPLACE\n"
        b"<<<<<<< SEARCH\nb = 2\nc = 3\n=======\nb = 2\nc = 30\n>>>>>>> REPLACE\n"
    )
    assert run(SOURCE, edit).content == b"a = 10\nb = 2\nc = 30\nd = 4\n"


def test_the_rest_of_an_edit_that_is_half_there_is_applied() -> None:
    edit = b"@@ -1 +1 @@\n-a = 1\n+a = 10\n@@ -4 +4 @@\n-d = 4\n+d = 40\n"
    half = SOURCE.replace(b"a = 1", b"a = 10")
    assert run(half, edit).content == b"a = 10\nb = 2\nc = 3\nd = 40\n"


def test_two_files_in_one_edit_are_refused() -> None:
    edit = (
        b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = 1\n+a = 10\n"
        b"--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a = 1\n+a = 10\n"
    )
    assert run(SOURCE, edit).reason is RefusalReason.UNPARSABLE_EDIT
