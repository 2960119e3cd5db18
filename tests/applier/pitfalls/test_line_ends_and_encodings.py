"""Line ends, final newlines, byte order marks and encodings stay what they were."""

from __future__ import annotations

import pytest

from applier.types import EditFormat, RefusalReason, Status
from tests.applier.exact_tier import run

BLOCK = b"<<<<<<< SEARCH\nb = 2\n=======\nb = 3\nc = 4\n>>>>>>> REPLACE\n"
DIFF = b"@@ -1,2 +1,3 @@\n a = 1\n-b = 2\n+b = 3\n+c = 4\n"
V4A = b"*** Begin Patch\n*** Update File: x.py\n@@\n a = 1\n-b = 2\n+b = 3\n+c = 4\n*** End Patch\n"
WHOLE = b"```python\na = 1\nb = 3\nc = 4\n```\n"
EDITS = {
    EditFormat.SEARCH_REPLACE: BLOCK,
    EditFormat.UNIFIED_DIFF: DIFF,
    EditFormat.V4A: V4A,
    EditFormat.WHOLE_FILE: WHOLE,
}
CODECS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\x00\x00",
}


@pytest.mark.parametrize("format", EDITS)
@pytest.mark.parametrize("edit_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("codec", CODECS)
def test_all_combinations(format: EditFormat, edit_end: bytes, end: str, final: bool, codec: str) -> None:
    def file(*lines: str) -> bytes:
        return CODECS[codec] + (end.join(lines) + (end if final else "")).encode(codec)

    outcome = run(file("a = 1", "b = 2"), EDITS[format].replace(b"\n", edit_end), format)
    assert outcome.status is Status.APPLIED, outcome.refusal
    assert outcome.content == file("a = 1", "b = 3", "c = 4")


def test_mixed_ends_stay_mixed() -> None:
    outcome = run(b"a = 1\r\nb = 2\nz = 0\r\n", BLOCK)
    assert outcome.content == b"a = 1\r\nb = 3\nc = 4\nz = 0\r\n"


def test_a_diff_may_state_the_final_newline() -> None:
    adds = b"@@ -1 +1 @@\n-a = 1\n\\ No newline at end of file\n+a = 1\n"
    removes = b"@@ -1 +1 @@\n-a = 1\n+a = 1\n\\ No newline at end of file\n"
    assert run(b"a = 1", adds).content == b"a = 1\n"
    assert run(b"a = 1\n", removes).content == b"a = 1"
    assert run(b"a = 1\n", adds).status is Status.ALREADY_APPLIED


def test_a_hunk_inside_the_file_cannot_speak_of_its_end() -> None:
    edit = b"@@ -1 +1 @@\n-a = 1\n+a = 2\n\\ No newline at end of file\n"
    assert run(b"a = 1\nb = 2\n", edit).content == b"a = 2\nb = 2\n"


def test_form_feeds_and_unicode_separators_are_no_line_ends() -> None:
    source = "a = 1\n\f\nb = 2  # \u2028 \x85 \x1c\n".encode()
    edit = "<<<<<<< SEARCH\n\f\nb = 2  # \u2028 \x85 \x1c\n=======\n\f\nb = 3\n>>>>>>> REPLACE\n".encode()
    assert run(source, edit).content == b"a = 1\n\f\nb = 3\n"


BOM = b"\xef\xbb\xbf"


def test_a_byte_order_mark_inside_the_edit_is_no_text() -> None:
    source = BOM + b"a = 1\nb = 2\n"
    context = b"@@ -1,2 +1,2 @@\n " + BOM + b"a = 1\n-b = 2\n+b = 3\n"
    assert run(source, context).content == BOM + b"a = 1\nb = 3\n"
    changed = b"@@ -1,1 +1,1 @@\n-" + BOM + b"a = 1\n+" + BOM + b"a = 2\n"
    assert run(source, changed).content == BOM + b"a = 2\nb = 2\n"
    whole = b"```python\n" + BOM + b"a = 2\n```\n"
    assert run(source, whole, EditFormat.WHOLE_FILE).content == BOM + b"a = 2\n"


@pytest.mark.parametrize("signs", [(b"-" + BOM, b"+"), (b"-", b"+" + BOM)])
def test_a_byte_order_mark_is_neither_added_nor_removed(signs: tuple[bytes, bytes]) -> None:
    source = BOM + b"a = 1\n"
    outcome = run(source, b"@@ -1 +1 @@\n" + signs[0] + b"a = 1\n" + signs[1] + b"a = 1\n")
    assert outcome.reason is RefusalReason.UNDECODABLE
    assert outcome.refusal is not None
    assert outcome.refusal.edit_line == 1


def test_eight_bit_text_is_matched_and_written_in_its_encoding() -> None:
    source = "s = 'café'\nb = 2\n".encode("cp1252")
    edit = "<<<<<<< SEARCH\ns = 'café'\n=======\ns = 'thé'\n>>>>>>> REPLACE\n".encode()
    assert run(source, edit).content == "s = 'thé'\nb = 2\n".encode("cp1252")


def test_a_character_that_the_encoding_lacks_is_refused() -> None:
    source = "s = 'café'\n".encode("cp1252")
    edit = "<<<<<<< SEARCH\ns = 'café'\n=======\ns = '漢'\n>>>>>>> REPLACE\n".encode()
    outcome = run(source, edit)
    assert outcome.reason is RefusalReason.UNDECODABLE
    assert outcome.content == source
