"""Hunks that `synth` takes apart: all of them, and some of them, rebuild a file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from applier.text.hunks import line_hunks
from training.synth.generate import apply_hunks, renumber

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "}", "call(x)", "return y"]), max_size=14)


@given(LINES, LINES)
def test_hunks_rebuild_the_new_file(old: list[str], new: list[str]) -> None:
    assert apply_hunks(old, new, line_hunks(old, new)) == new


@given(LINES, LINES, st.data())
def test_a_subset_renumbered_rebuilds_itself(old: list[str], new: list[str], data: st.DataObject) -> None:
    hunks = line_hunks(old, new)
    chosen = [hunk for hunk in hunks if data.draw(st.booleans())]
    target = apply_hunks(old, new, chosen)
    assert apply_hunks(old, target, renumber(chosen)) == target
