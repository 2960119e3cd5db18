"""Conflicts of git as code of a block, and a diff that names its file twice."""

from __future__ import annotations

import pytest

from applier import Applier
from applier.types import EditRequest, Status

APPLIER = Applier.without_model()
CONFLICT = "<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> topic\n"


@pytest.mark.parametrize(
    ("old", "new"), [(CONFLICT, "two\n"), ("two\n", CONFLICT), ("a\n" + CONFLICT, CONFLICT)]
)
def test_conflicts_are_code_inside_of_a_block(old: str, new: str) -> None:
    edit = f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"
    result = APPLIER.apply(EditRequest(f"first\n{old}last\n".encode(), edit.encode(), "a.txt"))
    assert result.content.decode() == f"first\n{new}last\n", result.refusal


def test_two_diffs_of_one_file_are_one() -> None:
    diff = "--- a/a.txt\n+++ b/a.txt\n@@ -{0} +{0} @@\n-{1}\n+{2}\n"
    edit = diff.format(1, "one", "ONE") + diff.format(2, "two", "TWO")
    assert APPLIER.apply(EditRequest(b"one\ntwo\n", edit.encode(), "a.txt")).content == b"ONE\nTWO\n"
    other = edit + diff.format(1, "one", "ONE").replace("a.txt", "b.txt")
    for path in ("a.txt", ""):
        assert APPLIER.apply(EditRequest(b"one\ntwo\n", other.encode(), path)).status is Status.REFUSED
