"""Numbers that are none, marks in the middle of a file, hints that are text, fences that are content."""

from __future__ import annotations

import pytest

from applier import Applier, EditFormat, EditRequest
from applier.types import EditResult, RefusalReason, Status

DIGITS = b"9" * 5000


def apply(
    original: bytes, edit: bytes, path: str = "a.txt", format: EditFormat = EditFormat.AUTO
) -> EditResult:
    return Applier.without_model().apply(EditRequest(original, edit, path, format=format))


@pytest.mark.parametrize("header", [b"@@ -%b +1 @@", b"@@ -1,%b +1 @@", b"@@ -1 +%b @@", b"@@ -1 +1,%b @@"])
def test_thousands_of_digits_are_no_line_number(header: bytes) -> None:
    edit = b"--- a/a.txt\n+++ b/a.txt\n" + header % DIGITS + b"\n-a = 1\n+a = 2\n"
    assert apply(b"a = 1\n", edit).content == b"a = 2\n"


def test_thousands_of_digits_are_no_hint() -> None:
    edit = b"<<<<<<< SEARCH\n:start_line: %b\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n" % DIGITS
    assert apply(b"a = 1\n", edit).status is Status.REFUSED


def test_a_byte_order_mark_in_the_middle_of_a_file_is_a_character() -> None:
    bom = "\ufeff".encode()
    edit = b"--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n " + bom + b"x\n-y\n+" + bom + b"z\n"
    assert apply(bom + b"x\ny\n", edit).content == bom + b"x\n" + bom + b"z\n"
    block = b"<<<<<<< SEARCH\nx\ny\n=======\nx\n" + bom + b"z\n>>>>>>> REPLACE\n"
    assert apply(bom + b"x\ny\n", block).content == bom + b"x\n" + bom + b"z\n"
    back = b"<<<<<<< SEARCH\nx\n" + bom + b"z\n=======\nx\ny\n>>>>>>> REPLACE\n"
    assert apply(b"x\n" + bom + b"z\n", back).content == b"x\ny\n"


def test_a_hint_that_the_new_lines_begin_with_too_is_a_line_of_the_file() -> None:
    edit = b"<<<<<<< SEARCH\n:start_line:1\nb\n=======\n:start_line:1\nc\n>>>>>>> REPLACE\n"
    assert apply(b":start_line:1\nb\n", edit).content == b":start_line:1\nc\n"
    hint = b"<<<<<<< SEARCH\n:start_line:3\n-------\nb\n=======\nc\n>>>>>>> REPLACE\n"
    assert apply(b"b\n\nb\n", hint).content == b"b\n\nc\n"


def test_a_whole_file_keeps_the_fences_that_the_file_has() -> None:
    original = b"```sh\nmake\n```\n"
    for path in ("notes", "notes.md", "notes.txt", "a.py"):
        result = apply(original, b"```sh\nmake all\n```\n", path, EditFormat.WHOLE_FILE)
        assert result.content == b"```sh\nmake all\n```\n", path
    assert apply(b"make\n", b"```sh\nmake all\n```\n", "a.sh", EditFormat.WHOLE_FILE).content == b"make all\n"


@pytest.mark.parametrize("count", [51, 120])
def test_scopes_tell_more_equal_places_apart_than_are_looked_at(count: int) -> None:
    original = "".join(f"class C{i}:\n    def f(self):\n        return 1\n\n" for i in range(count))
    hunk = "@@ class C{}:\n     def f(self):\n-        return 1\n+        return 2\n"
    edit = "*** Begin Patch\n*** Update File: a.py\n" + "".join(hunk.format(i) for i in range(count))
    result = apply(original.encode(), f"{edit}*** End Patch\n".encode(), "a.py")
    assert result.content.decode() == original.replace("return 1", "return 2")


def test_a_stated_line_tells_them_apart_too() -> None:
    original = b"x = 1\n" * 200
    edit = b"--- a/a.txt\n+++ b/a.txt\n@@ -150 +150 @@\n-x = 1\n+x = 2\n"
    assert apply(original, edit).content == b"x = 1\n" * 149 + b"x = 2\n" + b"x = 1\n" * 50


def test_many_dividers_are_refused_with_the_line() -> None:
    edit = b"<<<<<<< SEARCH\n" + b"x\n=======\n" * 120 + b">>>>>>> REPLACE\n"
    result = apply(b"x\n", edit)
    assert result.refusal is not None
    assert result.refusal.reason is RefusalReason.UNPARSABLE_EDIT
    assert "has 120 lines that look like its divider" in result.refusal.message
