"""Of several places, none is taken for being the first."""

from __future__ import annotations

import pytest

from applier.types import LineRange, RefusalReason, Status
from tests.applier.exact_tier import run

SOURCE = b"""def a():
    x = 1
    return x


def b():
    x = 1
    return x
"""
BLOCK = b"<<<<<<< SEARCH\n    x = 1\n=======\n    x = 2\n>>>>>>> REPLACE\n"
CHANGED_B = SOURCE[:30] + SOURCE[30:].replace(b"x = 1", b"x = 2")


def test_a_block_that_matches_twice_is_refused_with_both_places() -> None:
    outcome = run(SOURCE, BLOCK)
    assert outcome.reason is RefusalReason.AMBIGUOUS_MATCH
    assert outcome.content == SOURCE
    assert outcome.refusal is not None
    assert outcome.refusal.candidates == (LineRange(2, 2), LineRange(7, 7))
    assert "lines 2, 7" in outcome.refusal.message


@pytest.mark.parametrize(
    "edit",
    [
        b"@@ -7,1 +7,1 @@\n-    x = 1\n+    x = 2\n",
        b"@@ -70,1 +70,1 @@ def b():\n-    x = 1\n+    x = 2\n",
        b"*** Begin Patch\n*** Update File: x.py\n@@ def b():\n-    x = 1\n+    x = 2\n*** End Patch\n",
        b"*** Begin Patch\n*** Update File: x.py\n@@\n-    x = 1\n+    x = 2\n     return x\n"
        b"*** End of File\n",
        b"<<<<<<< SEARCH\n:start_line:7\n-------\n    x = 1\n=======\n    x = 2\n>>>>>>> REPLACE\n",
    ],
)
def test_the_edit_itself_may_say_which(edit: bytes) -> None:
    outcome = run(SOURCE, edit)
    assert outcome.status is Status.APPLIED, outcome.refusal
    assert outcome.content == CHANGED_B


@pytest.mark.parametrize("start", [8])
def test_a_line_number_may_be_off_where_one_place_is_near(start: int) -> None:
    edit = f"@@ -{start},1 +{start},1 @@\n-    x = 1\n+    x = 2\n".encode()
    assert run(SOURCE, edit).content == CHANGED_B


@pytest.mark.parametrize("start", [3, 4, 5, 6, 9, 99])
def test_a_line_number_between_two_places_or_far_from_both_says_nothing(start: int) -> None:
    edit = f"@@ -{start},1 +{start},1 @@\n-    x = 1\n+    x = 2\n".encode()
    assert run(SOURCE, edit).reason is RefusalReason.AMBIGUOUS_MATCH


def test_the_order_of_hunks_says_which() -> None:
    edit = b"@@\n-    x = 1\n+    x = 3\n@@\n-    x = 1\n+    x = 2\n"
    assert run(SOURCE, edit).content == CHANGED_B.replace(b"x = 1", b"x = 3")


def test_blocks_have_no_order() -> None:
    edit = BLOCK.replace(b"x = 2", b"x = 3") + BLOCK
    assert run(SOURCE, edit).status is Status.REFUSED


def test_a_scope_header_that_is_not_unique_says_nothing() -> None:
    source = SOURCE.replace(b"def b", b"def a")
    edit = b"*** Begin Patch\n*** Update File: x.py\n@@ def a():\n-    x = 1\n+    x = 2\n*** End Patch\n"
    assert run(source, edit).reason is RefusalReason.AMBIGUOUS_MATCH
