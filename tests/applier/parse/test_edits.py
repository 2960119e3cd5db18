"""Every way of writing an edit is read for what it says, or refused with the line and the cause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.parse import (
    EditParseError,
    LazySnippet,
    SearchReplace,
    UnifiedDiff,
    V4APatch,
    WholeFile,
    detect_format,
    parse_edit,
)
from applier.parse.edits import same_file
from applier.parse.markers import MarkerKind
from applier.types import EditFormat

BLOCK = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"


def blocks(text: str, path: str = "x.py") -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    parsed = parse_edit(text, EditFormat.SEARCH_REPLACE, path, "python")
    assert isinstance(parsed, SearchReplace)
    return [(block.search, block.replace) for block in parsed.blocks]


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        "x.py\n" + BLOCK,
        "src/x.py\n```python\n" + BLOCK + "```\n",
        "```python src/x.py\n" + BLOCK + "```\n",
        "### `x.py`\n\n" + BLOCK,
        "I will change it.\n\n" + BLOCK + "\nThat is all.\n",
        BLOCK.replace("<<<<<<< SEARCH", "------- SEARCH").replace(">>>>>>> REPLACE", "+++++++ REPLACE"),
        BLOCK.replace("SEARCH", "ORIGINAL").replace("REPLACE", "UPDATED"),
        BLOCK.replace("SEARCH", "SEARCH>").replace("<<<<<<<", "<<<<<"),
        BLOCK.replace("SEARCH\n", "SEARCH\n:start_line:3\n:end_line:3\n-------\n"),
        BLOCK.replace("\n", "\r\n"),
    ],
)
def test_search_replace_dialects(text: str) -> None:
    assert detect_format(text, "python") is EditFormat.SEARCH_REPLACE
    assert blocks(text) == [(("old",), ("new",))]


def test_several_blocks_with_blank_sides() -> None:
    text = (
        BLOCK
        + "\n<<<<<<< SEARCH\n\n  a\n=======\n>>>>>>> REPLACE\n<<<<<<< SEARCH\n=======\nb\n\n>>>>>>> REPLACE"
    )
    assert blocks(text) == [(("old",), ("new",)), (("", "  a"), ()), ((), ("b", ""))]


def test_prose_with_a_dot_is_no_file_name() -> None:
    assert blocks("See foo.bar\n" + BLOCK)
    assert blocks("module.attribute\n" + BLOCK)
    with pytest.raises(EditParseError, match=r"other\.py"):
        blocks("other.py\n" + BLOCK)


DIFF_BODY = " a\n-b\n+c\n \n d\n"


def hunks(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    parsed = parse_edit(text, EditFormat.UNIFIED_DIFF, "x.py", "python")
    assert isinstance(parsed, UnifiedDiff)
    return [(hunk.old, hunk.new) for hunk in parsed.hunks]


@pytest.mark.parametrize(
    "text",
    [
        "--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n" + DIFF_BODY,
        "--- x.py\t2024-01-01\n+++ x.py\t2024-01-02\n@@ -1,4 +1,4 @@ def f():\n" + DIFF_BODY,
        "diff --git a/x.py b/x.py\nindex 12..34 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n"
        + DIFF_BODY,
        "diff --git a/x.py b/x.py\nold mode 100644\nnew mode 100755\n@@ -1,4 +1,4 @@\n" + DIFF_BODY,
        "@@ -7,9 +3,1 @@\n" + DIFF_BODY,
        "@@ ... @@\n" + DIFF_BODY,
        "@@\n" + DIFF_BODY,
        "```diff\n" + DIFF_BODY + "```\n",
        "Apply this:\n\n```diff\n@@ -1,4 +1,4 @@\n" + DIFF_BODY + "```\n",
        "@@ -1,4 +1,4 @@\n" + DIFF_BODY.replace("\n \n", "\n\n"),
        "@@ -1,4 +1,4 @@\n" + DIFF_BODY + "\n\n",
        "@@ -1,4 +1,4 @@\n" + DIFF_BODY + "\nThat is the whole change.\n",
        "From 12ab\nSubject: x\n\n--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n" + DIFF_BODY + "-- \n2.40.1\n",
        ("--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n" + DIFF_BODY).replace("\n", "\r\n"),
    ],
)
def test_unified_diff_dialects(text: str) -> None:
    assert hunks(text) == [(("a", "b", "", "d"), ("a", "c", "", "d"))]


def test_a_blank_line_at_the_end_of_a_hunk_counts_if_the_header_says_so() -> None:
    assert hunks("@@ -1,2 +1,2 @@\n-a\n+b\n\n") == [(("a", ""), ("b", ""))]
    assert hunks("@@ -1,1 +1,1 @@\n-a\n+b\n\n") == [(("a",), ("b",))]


def test_final_newline_marks() -> None:
    parsed = parse_edit("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", EditFormat.UNIFIED_DIFF)
    assert isinstance(parsed, UnifiedDiff)
    assert (parsed.hunks[0].old_newline, parsed.hunks[0].new_newline) == (False, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n a\n", "changes nothing"),
        ("--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n", "y.py"),
        ("--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "deletes the file"),
        ("diff --git a/x.py b/x.py\nGIT binary patch\nliteral 3\n", "binary patch"),
        ("just words", "changes nothing"),
    ],
)
def test_bad_diffs(text: str, words: str) -> None:
    with pytest.raises(EditParseError, match=words):
        parse_edit(text, EditFormat.UNIFIED_DIFF, "x.py", "python")


def test_v4a() -> None:
    text = (
        "*** Begin Patch\n*** Update File: src/x.py\n@@ class A:\n@@     def f(self):\n a\n-b\n+c\n"
        "@@\n-d\n+e\n"
        "*** End of File\n*** End Patch\n"
    )
    parsed = parse_edit(text, path="src/x.py")
    assert isinstance(parsed, V4APatch)
    first, second = parsed.hunks
    assert first.scopes == ("class A:", "def f(self):")
    assert (first.old, first.new, first.at_end) == (("a", "b"), ("a", "c"), False)
    assert (second.old, second.new, second.at_end) == (("d",), ("e",), True)


def test_v4a_adds_a_file() -> None:
    parsed = parse_edit("*** Begin Patch\n*** Add File: x.py\n+a\n+b\n*** End Patch\n", path="x.py")
    assert isinstance(parsed, V4APatch)
    assert parsed.creates
    assert parsed.hunks[0].new == ("a", "b")


def test_lazy_snippet() -> None:
    parsed = parse_edit(
        "\n```python\n\n# ... existing code ...\na = 1\n# rest of the file unchanged\n```\n",
        language="python",
    )
    assert isinstance(parsed, LazySnippet)
    assert parsed.lines == ("# ... existing code ...", "a = 1", "# rest of the file unchanged")
    assert parsed.markers == {0: MarkerKind.ELIDE, 2: MarkerKind.ELIDE_REST}
    assert parsed.line == 4
    assert parsed.fence_stripped


def test_whole_file() -> None:
    parsed = parse_edit("a = 1\nb = 2", EditFormat.WHOLE_FILE, language="python")
    assert isinstance(parsed, WholeFile)
    assert (parsed.lines, parsed.final_newline) == (("a = 1", "b = 2"), False)
    fenced = parse_edit("```\na = 1\n\n```", EditFormat.WHOLE_FILE, language="python")
    assert isinstance(fenced, WholeFile)
    assert (fenced.lines, fenced.final_newline) == (("a = 1", ""), True)


@pytest.mark.parametrize(
    ("text", "language", "format"),
    [
        ("- a\n- b\n+ c\n", "yaml", EditFormat.LAZY),
        ("---\ntitle: x\n---\ntext\n", "markdown", EditFormat.LAZY),
        ("x = '''\n@@ -1 +1 @@\n'''\ny = 1\nz = 2\nw = 3\n", "python", EditFormat.LAZY),
        ("def f():\n    return 1\n", "python", EditFormat.LAZY),
        ("<<<<<<< HEAD\na\n", "python", EditFormat.LAZY),
        ("<<<<<<< SEARCH\na\n", "python", EditFormat.SEARCH_REPLACE),
        ("*** Begin Patch\n", "python", EditFormat.V4A),
        ("*** Update File: x.py\n@@\n-a\n+b\n", "python", EditFormat.V4A),
    ],
)
def test_detection(text: str, language: str, format: EditFormat) -> None:
    assert detect_format(text, language) is format


def test_same_file_compares_whole_path_parts_from_the_end() -> None:
    assert same_file("x.py", "/home/me/x.py")
    assert same_file("src/x.py", "x.py")
    assert same_file("x.py", "")
    assert same_file(".\\src\\x.py", "src/x.py")
    assert not same_file("ax.py", "x.py")
    assert not same_file("a/x.py", "b/x.py")


WORDS = (
    "<<<<<<< SEARCH|=======|>>>>>>> REPLACE|```|```python|@@ -1 +1 @@|@@|--- a/x|+++ b/x|*** Begin Patch"
    "|*** Update File: x|*** End Patch|*** End of File|diff --git a/x b/x|+a|-a| a||a|# ...|..."
)
PIECES = st.lists(st.sampled_from(WORDS.split("|")), max_size=14)


@given(PIECES, st.sampled_from(list(EditFormat)), st.sampled_from(["python", "markdown", None]))
def test_any_text_is_read_or_refused_with_a_message(
    lines: list[str], format: EditFormat, language: str | None
) -> None:
    problem: EditParseError | None = None
    try:
        parsed = parse_edit("\n".join(lines), format, "x", language)
    except EditParseError as error:
        problem = error
    if problem is None:
        assert format in (EditFormat.AUTO, parsed.format)
    else:
        assert problem.line is None or 1 <= problem.line <= len(lines)
        assert problem.why
        assert problem.hint
