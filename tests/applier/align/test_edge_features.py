"""What an edit does not show at its ends."""

import pytest

from applier.align.costs import SETTINGS
from applier.align.edge_features import border_evidence
from applier.align.input import Scene
from applier.align.similarity import Likeness
from applier.align.table_native import alignments

SHOWN = ["def f(a):", "    b = a + 1", "    return b"]


@pytest.mark.parametrize(("count", "few"), [(0, 0), (1, 1), (2, 1), (8, 0)])
def test_a_few_lines_outside_of_an_edit_without_a_marker_speak_against_their_staying(count, few):
    """So few would have been shown; more are left out for brevity."""
    outside = [f"name_{n} = {n}" for n in range(count)]
    for file, side in (([*outside, *SHOWN], "led_few"), ([*SHOWN, *outside], "trailed_few")):
        scene = Scene.of(file, SHOWN, "python")
        steps, _ = alignments(scene, Likeness.of(scene), SETTINGS)[0]
        assert border_evidence(scene, steps)[side] == few
