"""Tabs stay tabs, and a block that fits only after re-indenting is not exact."""

from __future__ import annotations

import pytest

from applier.types import Status
from tests.applier.exact_tier import run

TABS = b"func f() {\n\tif x {\n\t\ty()\n\t}\n}\n"


def test_tabs_are_written_as_they_are() -> None:
    edit = b'<<<<<<< SEARCH\n\t\ty()\n=======\n\t\ty()\n\t\tz("\t")\n>>>>>>> REPLACE\n'
    outcome = run(TABS, edit, path="a.go")
    assert outcome.content == TABS.replace(b"\t\ty()\n", b'\t\ty()\n\t\tz("\t")\n')


@pytest.mark.parametrize("search", [b"        y()", b"y()", b"\ty()", b"\t\ty() ", b"\t\t\ty()"])
def test_other_indentation_is_no_exact_match(search: bytes) -> None:
    edit = b"<<<<<<< SEARCH\n" + search + b"\n=======\n\t\tz()\n>>>>>>> REPLACE\n"
    outcome = run(TABS, edit, path="a.go")
    assert outcome.needs_model
    assert outcome.content == TABS
    assert outcome.refusal is not None
    assert outcome.refusal.candidates[0].start == 3


def test_indentation_that_means_something_is_kept() -> None:
    source = b"if a:\n    b()\n    c()\n"
    edit = b"@@ -2,2 +2,3 @@\n     b()\n+    if d:\n+        e()\n     c()\n"
    outcome = run(source, edit)
    assert outcome.status is Status.APPLIED
    assert outcome.content == b"if a:\n    b()\n    if d:\n        e()\n    c()\n"
