"""What a merge keeps of the file's own bytes."""

import pytest

from applier.align.input import Scene
from applier.align.render import Writer
from applier.align.table import MATCH, Step


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("run()  // ... unchanged", "run()  "),  # the remark hides how the line ends
        ("run()", "run()"),  # taken off
        ("run()   ", "run()  "),  # put there by accident
        ("stop()  // ... unchanged", "stop()"),
    ],
)
def test_spaces_at_the_end_of_a_line(shown, written):
    scene = Scene.of(["run()  "], [shown], "javascript")
    steps = [Step(MATCH, 0, 0)]
    assert Writer(scene, steps).write() == [written]
