"""Errors say which line, why, and what to do."""

from __future__ import annotations

import pytest

from applier.types import EditFormat, RefusalReason
from tests.applier.exact_tier import run

SOURCE = b"a = 1\nb = 2\na = 1\n"


@pytest.mark.parametrize(
    ("edit", "reason", "line", "words"),
    [
        (b"", RefusalReason.UNPARSABLE_EDIT, None, ["empty"]),
        (b" \n\n", RefusalReason.UNPARSABLE_EDIT, None, ["empty"]),
        (b"text\n<<<<<<< SEARCH\na = 1\n", RefusalReason.UNPARSABLE_EDIT, 2, ["not closed", "======="]),
        (b"<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", RefusalReason.UNPARSABLE_EDIT, 1, ["no ======= line"]),
        (
            b"\n\nz/other.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
            RefusalReason.UNPARSABLE_EDIT,
            3,
            ["other.py", "x.py"],
        ),
        (
            b"*** Begin Patch\n*** Update File: x.py\n@@\n-a = 1\n?what\n*** End Patch\n",
            RefusalReason.UNPARSABLE_EDIT,
            5,
            ["' ', '-', '+'"],
        ),
        (
            b"*** Begin Patch\n*** Delete File: x.py\n*** End Patch\n",
            RefusalReason.UNPARSABLE_EDIT,
            2,
            ["deletes"],
        ),
        (
            b"--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a = 1\n",
            RefusalReason.UNPARSABLE_EDIT,
            1,
            ["deletes"],
        ),
        (
            b"<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n",
            RefusalReason.AMBIGUOUS_MATCH,
            1,
            ["2 places", "lines 1, 3", "Add lines"],
        ),
        (b"@@ ... @@\n+c = 3\n", RefusalReason.NO_MATCH, 1, ["no old line", "Add the lines"]),
        (
            b"# ... existing code ...\n\n# ...\n",
            RefusalReason.UNPARSABLE_EDIT,
            1,
            ["nothing but placeholders"],
        ),
        (b"\xff\xfe\xff", RefusalReason.UNPARSABLE_EDIT, None, ["UTF-8"]),
        (b"a\0b", RefusalReason.UNPARSABLE_EDIT, None, ["NUL"]),
    ],
)
def test_message(edit: bytes, reason: RefusalReason, line: int | None, words: list[str]) -> None:
    outcome = run(SOURCE, edit)
    assert outcome.content == SOURCE
    assert outcome.reason is reason
    assert outcome.refusal is not None
    assert outcome.refusal.edit_line == line
    for word in words:
        assert word in outcome.refusal.message


def test_line_numbers_count_from_the_edit_as_sent() -> None:
    good = b"<<<<<<< SEARCH\nb = 2\n=======\nb = 3\n>>>>>>> REPLACE\n"
    edit = b"```\n" + good + b"<<<<<<< SEARCH\na = 1\n=======\n>>>>>>> REPLACE\n```\n"
    outcome = run(SOURCE, edit)
    assert outcome.refusal is not None
    assert outcome.refusal.edit_line == 7


@pytest.mark.parametrize("format", list(EditFormat))
@pytest.mark.parametrize(
    "edit",
    [
        b"nonsense",
        b"@@",
        b"+",
        b"*** Begin Patch",
        b"<<<<<<< SEARCH",
        b"```\n```",
        b"...",
        b"\r",
        b"\xef\xbb\xbf",
    ],
)
@pytest.mark.parametrize("original", [b"", b"a\n", b"a", b"\n", b"\r\n", b"\xef\xbb\xbf"])
def test_bad_input_is_a_status_and_never_a_traceback(
    original: bytes, edit: bytes, format: EditFormat
) -> None:
    outcome = run(original, edit, format)
    if outcome.refusal:
        assert outcome.content == original
        assert outcome.refusal.message
