"""A placeholder reaches no file, and the code behind it is not lost."""

from __future__ import annotations

import pytest

from applier.types import EditFormat, RefusalReason, Status
from tests.applier.exact_tier import run

SOURCE = b"""class A:
    def one(self):
        return 1

    def two(self):
        return 2
"""


def test_a_replacement_with_a_marker_is_not_applied() -> None:
    edit = b"""<<<<<<< SEARCH
    def one(self):
        return 1
=======
    def one(self):
        # ... existing code ...
>>>>>>> REPLACE
"""
    outcome = run(SOURCE, edit)
    assert outcome.reason is RefusalReason.PLACEHOLDER_LEAK
    assert outcome.content == SOURCE
    assert outcome.refusal is not None
    assert outcome.refusal.edit_line == 1


def test_a_replacement_that_leaves_many_searched_lines_out_is_to_be_merged() -> None:
    body = b"        a = 1\n        b = 2\n        c = 3\n        d = 4\n"
    source = SOURCE.replace(b"        return 1\n", body)
    edit = (
        b"<<<<<<< SEARCH\n"
        + body
        + b"=======\n        a = 9\n        # ... existing code ...\n>>>>>>> REPLACE\n"
    )
    outcome = run(source, edit)
    assert outcome.needs_model
    assert outcome.content == source


@pytest.mark.parametrize(
    "marker", ["# ... rest of the class unchanged", "# rest of the class unchanged", "..."]
)
def test_a_whole_file_with_a_marker_is_not_written(marker: str) -> None:
    edit = b"class A:\n    def one(self):\n        return 11\n\n    " + marker.encode() + b"\n"
    outcome = run(SOURCE, edit, EditFormat.WHOLE_FILE)
    assert outcome.content == SOURCE
    assert outcome.needs_model


def test_a_marker_at_the_end_of_a_line_of_code() -> None:
    edit = b"""<<<<<<< SEARCH
        return 1
=======
        return 11  # ... rest unchanged
>>>>>>> REPLACE
"""
    assert run(SOURCE, edit).reason is RefusalReason.PLACEHOLDER_LEAK


def test_a_remark_without_dots_is_a_comment_of_the_edit() -> None:
    edit = b"<<<<<<< SEARCH\n        return 1\n=======\n        return 2  # same as before\n>>>>>>> REPLACE\n"
    assert run(SOURCE, edit).status is Status.APPLIED


def test_a_code_block_of_markdown_may_show_a_placeholder() -> None:
    source = b"# Title\n\n```python\nx = 1\n```\n\ntext\n"
    inside = b"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n# ... existing code ...\n>>>>>>> REPLACE\n"
    outside = b"<<<<<<< SEARCH\ntext\n=======\n<!-- ... existing content ... -->\ntext\n>>>>>>> REPLACE\n"
    assert run(source, inside, path="a.md").content == source.replace(
        b"x = 1\n", b"x = 2\n# ... existing code ...\n"
    )
    assert run(source, outside, path="a.md").reason is RefusalReason.PLACEHOLDER_LEAK


def test_a_marker_that_the_file_has_is_content() -> None:
    source = b"a = 1\n# ... existing code ...\nb = 2\n"
    marker = b"# ... existing code ...\n"
    edit = b"<<<<<<< SEARCH\n" + marker + b"b = 2\n=======\n" + marker + b"b = 3\n>>>>>>> REPLACE\n"
    outcome = run(source, edit)
    assert outcome.status is Status.APPLIED
    assert outcome.content == b"a = 1\n# ... existing code ...\nb = 3\n"


def test_an_ellipsis_that_is_code_is_written() -> None:
    edit = b"<<<<<<< SEARCH\n        return 1\n=======\n        ...\n>>>>>>> REPLACE\n"
    assert b"        ...\n" in run(SOURCE, edit).content


def test_a_marker_inside_a_string_is_content() -> None:
    edit = b'''<<<<<<< SEARCH
        return 1
=======
        return """
# ... existing code ...
"""
>>>>>>> REPLACE
'''
    assert b"# ... existing code ..." in run(SOURCE, edit).content
