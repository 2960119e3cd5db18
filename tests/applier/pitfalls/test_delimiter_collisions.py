"""Code that holds the edit format's own delimiters, or code fences."""

from __future__ import annotations

import pytest

from applier.types import EditFormat, RefusalReason, Status
from tests.applier.exact_tier import run

RST = b"Title\n=======\n\nbody\n\nOther\n=======\n\nmore\n"


def test_a_divider_in_the_searched_text() -> None:
    edit = b"<<<<<<< SEARCH\nTitle\n=======\n\nbody\n=======\nTitle\n=======\n\nnew body\n>>>>>>> REPLACE\n"
    outcome = run(RST, edit, path="a.rst")
    # Read with the first divider, the search is "Title" alone and fits too.
    assert outcome.reason is RefusalReason.AMBIGUOUS_MATCH
    assert outcome.content == RST


def test_a_longer_divider_settles_it() -> None:
    edit = b"<<<<<<<<< SEARCH\nTitle\n=======\n\nbody\n=========\nTitle\n=======\n\nnew\n>>>>>>>>> REPLACE\n"
    assert run(RST, edit, path="a.rst").content == RST.replace(b"body", b"new")


def test_one_reading_that_fits_is_taken() -> None:
    edit = b"<<<<<<< SEARCH\n\nbody\n=======\n\nnew\n=======\nx\n>>>>>>> REPLACE\n"
    outcome = run(RST, edit, path="a.rst")
    assert outcome.content == RST.replace(b"\nbody", b"\nnew\n=======\nx")


def test_a_whole_block_inside_a_block_is_code() -> None:
    source = b'PROMPT = """\nuse blocks\n"""\n'
    inner = b"<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE"
    edit = b"<<<<<<< SEARCH\nuse blocks\n=======\nuse blocks:\n" + inner + b"\n>>>>>>> REPLACE\n"
    outcome = run(source, edit)
    assert outcome.status is Status.APPLIED
    assert outcome.content == b'PROMPT = """\nuse blocks:\n' + inner + b'\n"""\n'


def test_a_stray_close_is_an_error_with_its_line() -> None:
    edit = b"<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\nc\n>>>>>>> REPLACE\n"
    outcome = run(b"a\n", edit, path="a.txt")
    assert outcome.reason is RefusalReason.UNPARSABLE_EDIT
    assert outcome.refusal is not None
    assert outcome.refusal.edit_line == 7


@pytest.mark.parametrize(
    "line", [b"--- removed", b"+++ added", b"@@ -1 +1 @@", b"\\ No newline", b"diff --git a b", b"```"]
)
def test_diff_signs_in_the_code(line: bytes) -> None:
    source = b"a\n" + line + b"\nb\n"
    removing = b"--- a/t.txt\n+++ b/t.txt\n@@ -1,3 +1,2 @@\n a\n-" + line + b"\n b\n"
    adding = b"--- a/t.txt\n+++ b/t.txt\n@@ -1,2 +1,3 @@\n a\n+" + line + b"\n b\n"
    assert run(source, removing, path="t.txt").content == b"a\nb\n"
    assert run(b"a\nb\n", adding, path="t.txt").content == source


def test_a_removed_line_of_dashes_before_an_added_line_of_pluses() -> None:
    source = b"a\n-- x\nb\n"
    edit = b"--- a/t.sql\n+++ b/t.sql\n@@ -1,3 +1,3 @@\n a\n--- x\n+++ y\n b\n"
    assert run(source, edit, path="t.sql").content == b"a\n++ y\nb\n"


def test_fences_that_belong_to_a_markdown_file_stay() -> None:
    fenced = b"```python\nx = 1\n```\n"
    assert run(b"", fenced, EditFormat.WHOLE_FILE, path="a.md").content == fenced
    wrapped = b"````markdown\n" + fenced + b"````\n"
    assert run(b"", wrapped, EditFormat.WHOLE_FILE, path="a.md").content == fenced
    named = b"```markdown\n# T\n\n" + fenced + b"```\n"
    assert run(b"", named, EditFormat.WHOLE_FILE, path="a.md").content == b"# T\n\n" + fenced
    two = fenced + b"\ntext\n\n" + fenced
    assert run(b"", two, EditFormat.WHOLE_FILE, path="a.md").content == two


def test_a_fence_around_code_goes_and_one_inside_stays() -> None:
    code = b'def f():\n    """\n    ```\n    f()\n    ```\n    """\n'
    assert run(b"", b"```python\n" + code + b"```\n", EditFormat.WHOLE_FILE).content == code
