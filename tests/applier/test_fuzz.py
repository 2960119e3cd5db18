"""A short slice of `tests.applier.fuzz`."""

from __future__ import annotations

from tests.applier.fuzz import run


def test_spoilt_and_misquoted_edits_are_refused_or_answered_rightly() -> None:
    found = run(edits=400, misquotes=400, seed=20261201)
    assert not [what for what in found if what.startswith("!")]
    assert found["edits applied"] > 40
    assert found["misquoted refused"] > 300
