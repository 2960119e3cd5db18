"""An edit for another file is known by how little of it stands in this one."""

from __future__ import annotations

import pytest

from applier.locate.wrong_file import is_strange

FILE = ["import os", "", "def area(width, height):", "    return width * height", "", "timeout_seconds = 30"]


@pytest.mark.parametrize(
    ("shown", "strange"),
    [
        (["class Window:", "    def open_it(self):", "        pass"], True),
        (["import os", "class Window:"], False),
        (["def area(a, b, c, d, unit=None):", "    return 3 * a"], False),  # the same definition
        (["timeout_seconds = 60"], False),  # a line changed
        (["x = 1"], False),  # says nothing
    ],
)
def test_snippets_that_show_nothing_of_the_file(shown: list[str], strange: bool) -> None:
    assert is_strange(["# ...", *shown, "# ..."], {0, len(shown) + 1}, FILE) is strange
    assert not is_strange(["# ...", *shown], {0}, FILE)  # open at an end: it may be an addition
