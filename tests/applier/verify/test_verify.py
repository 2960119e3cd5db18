"""The gate refuses a bad result whatever made it; each test hands it one that is wrong in one way."""

from __future__ import annotations

import pytest

from applier.parse import ParsedEdit, parse_edit
from applier.text.source_text import Replacement, SourceText
from applier.text.unified_diff import apply_diff
from applier.types import EditFormat, RefusalReason
from applier.verify.verify import Verdict, verify

BLOCK = parse_edit("<<<<<<< SEARCH\nb = 2\n=======\nb = 3\n>>>>>>> REPLACE\n")
LAZY = parse_edit("a = 1\nb = 3\n# ... existing code ...\n", EditFormat.LAZY, language="python")


def check(
    original: bytes,
    result: bytes,
    touched: list[tuple[int, int]],
    edit: ParsedEdit = BLOCK,
    final_newline: bool | None = None,
) -> Verdict:
    source = SourceText.decode(original)
    return verify(
        source, original, result, touched, edit, path="x.py", language="python", final_newline=final_newline
    )


def reason(verdict: Verdict) -> RefusalReason | None:
    return verdict.refusal.reason if verdict.refusal else None


def test_a_good_result_comes_with_its_diff() -> None:
    verdict = check(b"a = 1\nb = 2\nc = 3\n", b"a = 1\nb = 3\nc = 3\n", [(1, 2)])
    assert verdict.refusal is None
    assert apply_diff(b"a = 1\nb = 2\nc = 3\n", verdict.diff) == b"a = 1\nb = 3\nc = 3\n"
    found = verdict.validation
    assert (found.outside_bytes_changed, found.placeholder_leaks, found.diff_round_trips) == (0, 0, True)
    assert (found.syntax_errors_before, found.syntax_errors_after) == (0, 0)


@pytest.mark.parametrize(
    ("result", "touched"),
    [
        (b"a = 1\nb = 3\n", [(1, 2)]),  # the last line is gone
        (b"b = 3\nc = 3\n", [(1, 2)]),  # the first line is gone
        (b"a = 1\nb = 3\nc = 4\n", [(1, 2)]),
        (b"a = 1\nb = 3\nc = 3\nd = 4\n", [(1, 2)]),  # something was added after it
        (b"a = 1\nb = 3\nc = 3", [(1, 2)]),  # the final newline is gone
        (b"a = 1\r\nb = 3\r\nc = 3\r\n", [(1, 2)]),
        (b"\xef\xbb\xbfa = 1\nb = 3\nc = 3\n", [(1, 2)]),
        (b"c = 3\n", []),
    ],
)
def test_bytes_outside(result: bytes, touched: list[tuple[int, int]]) -> None:
    verdict = check(b"a = 1\nb = 2\nc = 3\n", result, touched)
    assert reason(verdict) in (RefusalReason.OUTSIDE_EDIT, RefusalReason.UNDECODABLE)
    assert verdict.diff == b""


def test_an_overlap_of_what_is_kept_is_no_match() -> None:
    assert reason(check(b"x\nb\nx\n", b"x\n", [(1, 2)])) is RefusalReason.OUTSIDE_EDIT


def test_line_ends_of_the_new_lines() -> None:
    assert reason(check(b"a\r\nb\r\nc\r\n", b"a\r\nx\nc\r\n", [(1, 2)])) is RefusalReason.OUTSIDE_EDIT
    assert reason(check(b"a\nb\nc\n", b"a\nx\r\nc\n", [(1, 2)])) is RefusalReason.OUTSIDE_EDIT


def test_the_final_newline_changes_only_when_the_edit_says_so() -> None:
    assert reason(check(b"a\nb\n", b"a\nc", [(1, 2)])) is RefusalReason.OUTSIDE_EDIT
    assert check(b"a\nb\n", b"a\nc", [(1, 2)], final_newline=False).refusal is None
    assert check(b"a\nb", b"a\nc", [(1, 2)]).refusal is None
    assert check(b"a\nb", b"a\nc\n", [(1, 2)], final_newline=True).refusal is None


def test_the_encoding_is_kept() -> None:
    latin = "é = 1\nb = 2\n".encode("latin-1")
    assert reason(check(latin, "é = 1\nb = 3\n".encode(), [(1, 2)])) is not None
    assert reason(check(latin, b"\xe9 = 1\n\0\n", [(1, 2)])) is RefusalReason.UNDECODABLE
    bom = b"\xef\xbb\xbfa = 1\nb = 2\n"
    assert reason(check(bom, b"a = 1\nb = 3\n", [(1, 2)])) is RefusalReason.UNDECODABLE
    assert check(bom, b"\xef\xbb\xbfa = 1\nb = 3\n", [(1, 2)]).refusal is None


def test_a_leaked_marker() -> None:
    verdict = check(b"a = 1\nb = 2\n", b"a = 1\n# ... existing code ...\n", [(1, 2)], LAZY)
    assert reason(verdict) is RefusalReason.PLACEHOLDER_LEAK
    assert verdict.validation.placeholder_leaks == 1
    assert verdict.refusal is not None
    assert verdict.refusal.candidates[0].start == 2


def test_a_marker_that_moved_with_its_window_is_no_leak() -> None:
    old = b"a = 1\n# ... existing code ...\nb = 2\n"
    new = b"# ... existing code ...\na = 1\nb = 2\n"
    assert check(old, new, [(0, 3)], LAZY).refusal is None


def test_a_second_copy_of_a_marker_is_a_leak() -> None:
    marker = b"# ... existing code ...\n"
    assert (
        reason(check(b"a = 1\n" + marker, b"a = 1\n" + marker * 2, [(1, 2)], LAZY))
        is RefusalReason.PLACEHOLDER_LEAK
    )


def test_a_deletion_of_the_last_line_of_a_file_without_final_newline() -> None:
    source = SourceText.decode(b"a = 1\nb = 2")
    result = source.replace([Replacement(1, 2, ())])
    assert check(b"a = 1\nb = 2", result, [(1, 2)]).refusal is None
