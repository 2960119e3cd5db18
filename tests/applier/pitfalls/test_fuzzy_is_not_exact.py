"""What matches only nearly is never applied by the exact tier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.exact.apply_exact import Applied, NeedsModel, apply_exact
from applier.parse import parse_edit
from applier.text.source_text import SourceText

SOURCE = "def total(items, rate):\n    price = sum(items)\n    tax = price * rate\n    return price + tax\n"
NEARLY = [
    "    price = sum(items) ",
    "\tprice = sum(items)",
    "    price  = sum(items)",
    "    Price = sum(items)",
    "    price = sum(item)",
    "    price = sum(items);",
    "    price = sum(items)  # total",
    "price = sum(items)",
    "    price = sum(i\u0430tems)",
]


@pytest.mark.parametrize("search", NEARLY)
def test_nearly_is_not_exactly(search: str) -> None:
    edit = parse_edit(f"<<<<<<< SEARCH\n{search}\n=======\n    price = 0\n>>>>>>> REPLACE\n")
    assert isinstance(apply_exact(SourceText.decode(SOURCE.encode()), edit), NeedsModel)


@pytest.mark.parametrize("search", NEARLY)
def test_nor_in_the_context_of_a_hunk(search: str) -> None:
    edit = parse_edit(f"@@ -2,2 +2,2 @@\n {search}\n-    tax = price * rate\n+    tax = 0\n")
    assert isinstance(apply_exact(SourceText.decode(SOURCE.encode()), edit), NeedsModel)


@given(st.integers(0, 3), st.integers(0, 60), st.sampled_from(" \tx("))
def test_one_more_character_anywhere(row: int, column: int, character: str) -> None:
    lines = SOURCE.splitlines()
    line = (
        lines[row][: column % (len(lines[row]) + 1)]
        + character
        + lines[row][column % (len(lines[row]) + 1) :]
    )
    edit = parse_edit(f"<<<<<<< SEARCH\n{line}\n=======\nnew = 1\n>>>>>>> REPLACE\n")
    assert not isinstance(apply_exact(SourceText.decode(SOURCE.encode()), edit), Applied)


def test_the_reason_and_the_place_that_comes_close_are_told() -> None:
    edit = parse_edit("<<<<<<< SEARCH\n  price = sum(items)\n=======\n    price = 0\n>>>>>>> REPLACE\n")
    outcome = apply_exact(SourceText.decode(SOURCE.encode()), edit)
    assert isinstance(outcome, NeedsModel)
    assert "line 1 of the edit" in outcome.why
    assert outcome.candidates[0].start == 2
