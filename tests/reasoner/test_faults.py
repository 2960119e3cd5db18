"""A slice of `tests.reasoner.faults`: a call that fails and a kill tear, lose and hide nothing."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.reasoner.faults import preloaded


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="preloads a compiled library"
)
def test_a_failing_call_or_a_kill_tears_loses_and_hides_nothing() -> None:
    done = preloaded(every=29)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 wrong" in done.stdout
