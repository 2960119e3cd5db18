"""An edit made against another version of the file is not forced onto this one."""

from __future__ import annotations

import pytest

from applier.types import Status
from tests.applier.exact_tier import run

BEFORE = b"def f():\n    a()\n    b()\n    c()\n"
DIFF = b"@@ -1,4 +1,4 @@\n def f():\n     a()\n-    b()\n+    bb()\n     c()\n"


@pytest.mark.parametrize(
    "now",
    [
        BEFORE.replace(b"    b()", b"    b(1)"),  # the line to change has changed
        BEFORE.replace(b"    a()", b"    a(1)"),  # its context has changed
        BEFORE.replace(b"    b()\n", b""),  # it is gone
    ],
)
def test_a_stale_diff_is_not_exact(now: bytes) -> None:
    outcome = run(now, DIFF)
    assert outcome.needs_model
    assert outcome.content == now


def test_changes_elsewhere_do_not_matter() -> None:
    now = b"import os\n\n\n" + BEFORE + b"\n\ndef g():\n    return 1\n"
    outcome = run(now, DIFF)
    assert outcome.status is Status.APPLIED
    assert outcome.content == now.replace(b"    b()", b"    bb()")
