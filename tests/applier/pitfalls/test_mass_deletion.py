"""A loose anchor or a cut-off answer must not delete what the edit never showed."""

from __future__ import annotations

from applier.exact.apply_exact import Applied, apply_exact
from applier.parse import parse_edit
from applier.text.source_text import Replacement, SourceText
from applier.types import EditFormat, RefusalReason, Status
from applier.verify.verify import verify
from tests.applier.exact_tier import run

LINES = [f"value_{i} = {i}" for i in range(200)]
SOURCE = ("\n".join(LINES) + "\n").encode()


def test_a_whole_file_that_was_cut_off() -> None:
    cut_off = ("\n".join(LINES[:20]) + "\n").encode()
    outcome = run(SOURCE, cut_off, EditFormat.WHOLE_FILE)
    assert outcome.reason is RefusalReason.MASS_DELETION
    assert outcome.content == SOURCE
    assert outcome.refusal is not None
    assert outcome.refusal.candidates[0].start == 21


def test_a_snippet_that_swallows_the_file() -> None:
    source = SourceText.decode(SOURCE)
    snippet = parse_edit("value_0 = 0\nnew = 1\nvalue_199 = 199\n", EditFormat.LAZY, "x.py", "python")
    result = source.replace([Replacement(1, 199, ("new = 1",))])
    verdict = verify(source, SOURCE, result, [(1, 199)], snippet, language="python")
    assert verdict.refusal is not None
    assert verdict.refusal.reason is RefusalReason.MASS_DELETION
    assert verdict.diff == b""


def test_a_rewrite_of_a_body_is_no_mass_deletion() -> None:
    source = SourceText.decode(SOURCE)
    snippet = parse_edit("value_0 = 0\nnew = 1\nvalue_12 = 12\n", EditFormat.LAZY, "x.py", "python")
    result = source.replace([Replacement(1, 12, ("new = 1",))])
    assert verify(source, SOURCE, result, [(1, 12)], snippet, language="python").refusal is None


def test_moved_and_indented_lines_are_not_deleted() -> None:
    source = SourceText.decode(SOURCE)
    snippet = parse_edit("if x:\n    # ... existing code ...\n", EditFormat.LAZY, "x.py", "python")
    result = source.replace([Replacement(0, 200, ("if x:", *("    " + line for line in reversed(LINES))))])
    assert verify(source, SOURCE, result, [(0, 200)], snippet, language="python").refusal is None


def test_what_a_diff_removes_in_so_many_words_is_removed() -> None:
    edit = "\n".join(["<<<<<<< SEARCH", *LINES[10:190], "=======", ">>>>>>> REPLACE", ""]).encode()
    outcome = run(SOURCE, edit)
    assert outcome.status is Status.APPLIED
    assert outcome.content.count(b"\n") == 20


def test_search_blocks_never_span_more_than_they_show() -> None:
    source = SourceText.decode(SOURCE)
    parsed = parse_edit("<<<<<<< SEARCH\nvalue_3 = 3\n=======\n>>>>>>> REPLACE\n")
    outcome = apply_exact(source, parsed, "python")
    assert isinstance(outcome, Applied)
    assert outcome.replacements == (Replacement(3, 4, ()),)
