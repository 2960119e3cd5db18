"""What an edit does not show at its ends."""

import pytest

from applier.alignment.alignments import alignments
from applier.alignment.borders import border_evidence
from applier.alignment.costs import SETTINGS
from applier.alignment.likeness import Likeness
from applier.alignment.scene import Scene

SHOWN = ["def f(a):", "    b = a + 1", "    return b"]


@pytest.mark.parametrize(("count", "few"), [(0, 0), (1, 1), (2, 1), (8, 0)])
def test_a_few_lines_outside_of_an_edit_without_a_marker_speak_against_their_staying(count, few):
    """So few would have been shown; more are left out for brevity."""
    outside = [f"name_{n} = {n}" for n in range(count)]
    for file, side in (([*outside, *SHOWN], "led_few"), ([*SHOWN, *outside], "trailed_few")):
        scene = Scene.of(file, SHOWN, "python")
        steps, _ = alignments(scene, Likeness.of(scene), SETTINGS)[0]
        assert border_evidence(scene, steps)[side] == few
