"""Replies as models write them, and the edits that must come out of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.patches.types import Action
from applier.types import EditFormat
from reasoner.extract import edits_from_tool_calls, extract
from reasoner.types import ToolCall

FILES = ["src/app.py", "src/util.py", "README.md"]


def edits(reply: str, files: list[str] = FILES, expected: EditFormat = EditFormat.LAZY):
    found = extract(reply, files, expected)
    assert found.problems == []
    return found.edits


def problems(reply: str, files: list[str] = FILES):
    found = extract(reply, files)
    assert found.edits == []
    return [problem.message for problem in found.problems]


@pytest.mark.parametrize(
    "heading",
    [
        "File: src/app.py",
        "**src/app.py**",
        "### `src/app.py`",
        "src/app.py:",
        "./src/app.py",
        "app.py",
        "file: `src/app.py`",
        "File: src/app.py\n",
    ],
)
def test_a_heading_names_the_file_of_the_block_below(heading: str) -> None:
    (edit,) = edits(f"Here it is.\n\n{heading}\n```python\nx = 1\n```\n")
    assert (edit.path, edit.text, edit.format) == ("src/app.py", "x = 1\n", EditFormat.LAZY)


@pytest.mark.parametrize(
    "info", ["python src/app.py", "src/app.py", "python title=src/app.py", "python:src/app.py"]
)
def test_an_info_string_names_the_file(info: str) -> None:
    (edit,) = edits(f"```{info}\nx = 1\n```\n")
    assert (edit.path, edit.text) == ("src/app.py", "x = 1\n")


def test_a_path_comment_names_the_file_and_does_not_become_code() -> None:
    (edit,) = edits("```python\n# src/app.py\nx = 1\n```\n")
    assert (edit.path, edit.text) == ("src/app.py", "x = 1\n")


def test_several_files_come_out_in_order() -> None:
    reply = "File: src/app.py\n```python\na\n```\nand\n\nFile: src/util.py\n```python\nb\n```\n"
    assert [(e.path, e.text) for e in edits(reply)] == [("src/app.py", "a\n"), ("src/util.py", "b\n")]


def test_commands_beside_the_edit_are_not_edits() -> None:
    reply = "File: src/app.py\n```python\na\n```\nThen run\n```bash\npytest\n```\n"
    assert [e.text for e in edits(reply)] == ["a\n"]


def test_one_nameless_block_is_the_one_files() -> None:
    assert edits("```python\na\n```", ["src/app.py"])[0].path == "src/app.py"


def test_a_nameless_block_among_several_files_is_a_problem_and_not_a_guess() -> None:
    assert problems("```python\na\n```") == ["write 'File: PATH' on the line above the code block"]


def test_an_unclosed_block_is_a_problem_and_not_half_an_edit() -> None:
    assert problems("File: src/app.py\n```python\na\nb\n") == ["the code block is never closed"]


def test_a_block_within_a_block_stays_whole() -> None:
    body = "# Title\n```python\nx\n```\nend\n"
    assert edits(f"File: README.md\n```markdown\n{body}```\n")[0].text == body
    body = "# Title\n```\nx\n```\nend\n"
    assert edits(f"File: README.md\n````markdown\n{body}````\n")[0].text == body


def test_reasoning_is_not_read() -> None:
    reply = "<think>\nFile: src/util.py\n```python\nwrong\n```\n</think>\nFile: src/app.py\n```\nx\n```\n"
    (edit,) = edits(reply)
    assert (edit.path, edit.line) == ("src/app.py", 8)


def test_windows_line_ends_of_the_transport_are_not_the_files() -> None:
    assert edits("File: src/app.py\r\n```\r\nx\r\n```\r\n")[0].text == "x\n"


def test_a_new_file_is_created_whole() -> None:
    (edit,) = edits("File: src/new.py\n```python\nx = 1\n```\n")
    assert (edit.action, edit.format, edit.path) == (Action.CREATE, EditFormat.WHOLE_FILE, "src/new.py")


def test_prose_is_no_edit() -> None:
    assert problems("I would change src/app.py, but I am not sure.") == ["the reply contains no edit"]


SEARCH_REPLACE = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "wrap", ["src/app.py\n{}", "src/app.py\n```python\n{}```\n", "```python\nsrc/app.py\n{}```\n"]
)
def test_search_replace_is_known_fenced_or_not(wrap: str) -> None:
    (edit,) = edits(wrap.format(SEARCH_REPLACE))
    assert (edit.path, edit.text, edit.format) == ("src/app.py", SEARCH_REPLACE, EditFormat.SEARCH_REPLACE)


def test_blocks_of_one_file_are_one_edit_and_of_two_files_two() -> None:
    reply = f"src/app.py\n{SEARCH_REPLACE}{SEARCH_REPLACE}\nsrc/util.py\n{SEARCH_REPLACE}"
    assert [(e.path, e.text) for e in edits(reply)] == [
        ("src/app.py", SEARCH_REPLACE * 2),
        ("src/util.py", SEARCH_REPLACE),
    ]


def test_equals_signs_within_a_block_are_left_for_the_applier() -> None:
    block = "<<<<<<< SEARCH\nTitle\n=======\nText\n=======\nNew\n>>>>>>> REPLACE\n"
    assert edits(f"README.md\n{block}")[0].text == block


def test_fences_within_a_search_block_do_not_end_it() -> None:
    block = "<<<<<<< SEARCH\n```\nold\n```\n=======\nnew\n>>>>>>> REPLACE\n"
    assert edits(f"README.md\n{block}")[0].text == block


def test_an_empty_search_creates_the_file() -> None:
    (edit,) = edits("File: src/new.py\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n")
    assert (edit.action, edit.text) == (Action.CREATE, "x\n")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            "src/app.py\n<<<<<<< SEARCH\nold\n=======\nnew\n",
            "the search/replace block has no '>>>>>>> REPLACE' line",
        ),
        (
            "src/app.py\n<<<<<<< SEARCH\nold\n>>>>>>> REPLACE\n",
            "the search/replace block has no '=======' line",
        ),
        (SEARCH_REPLACE, "write the file's path on its own line above the block"),
    ],
)
def test_broken_search_blocks_say_what_is_missing(reply: str, message: str) -> None:
    assert problems(reply) == [message]


V4A = """*** Begin Patch
*** Update File: src/app.py
@@ def f():
 a
-b
+c
*** Add File: src/new.py
+x
+
+y
*** Delete File: src/util.py
*** End Patch
"""


@pytest.mark.parametrize("wrap", ["{}", "```\n{}```\n", "Here:\n\n```patch\n{}```\nDone.\n"])
def test_a_v4a_patch_becomes_one_edit_a_file(wrap: str) -> None:
    update, add, delete = edits(wrap.format(V4A))
    assert update.text == (
        "*** Begin Patch\n*** Update File: src/app.py\n@@ def f():\n a\n-b\n+c\n*** End Patch\n"
    )
    assert (update.path, update.format) == ("src/app.py", EditFormat.V4A)
    whole = "*** Begin Patch\n*** Add File: src/new.py\n+x\n+\n+y\n*** End Patch\n"
    assert (add.path, add.action, add.text) == ("src/new.py", Action.CREATE, whole)
    assert (delete.path, delete.action) == ("src/util.py", Action.DELETE)


def test_a_patch_that_was_cut_off_gives_nothing() -> None:
    assert problems(V4A.replace("*** End Patch\n", "")) == ["the patch has no '*** End Patch'"]


def test_a_move_keeps_both_paths() -> None:
    patch = "*** Begin Patch\n*** Update File: src/app.py\n*** Move to: b.py\n-a\n*** End Patch\n"
    (edit,) = edits(patch)
    assert (edit.path, edit.moved_to) == ("src/app.py", "b.py")
    assert "Move" not in edit.text


DIFF = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n\n d\n"


@pytest.mark.parametrize("wrap", ["{}", "```diff\n{}```\n", "```diff\ndiff --git a/x b/x\n{}```\n"])
def test_a_unified_diff_is_known(wrap: str) -> None:
    (edit,) = edits(wrap.format(DIFF))
    assert (edit.path, edit.format) == ("src/app.py", EditFormat.UNIFIED_DIFF)
    assert edit.text == DIFF


def test_a_diff_of_two_files_is_split() -> None:
    found = edits(f"```diff\n{DIFF}{DIFF.replace('app', 'util')}```\n")
    assert [e.path for e in found] == ["src/app.py", "src/util.py"]


def test_markers_inside_a_fenced_file_are_content() -> None:
    body = 'MARK = """\n*** Begin Patch\n*** End Patch\n<<<<<<< SEARCH\n"""\n'
    assert edits(f"File: src/app.py\n```python\n{body}```\n")[0].text == body


def test_tool_calls_give_the_same_edits() -> None:
    calls = [
        ToolCall("edit_file", {"path": "src/app.py", "edit": "x = 1\n"}),
        ToolCall("edit_file", {"path": "src/new.py", "edit": "y\n"}),
    ]
    found = edits_from_tool_calls(calls, FILES, EditFormat.LAZY)
    assert [(e.path, e.format, e.action) for e in found.edits] == [
        ("src/app.py", EditFormat.LAZY, Action.UPDATE),
        ("src/new.py", EditFormat.WHOLE_FILE, Action.CREATE),
    ]
    blocks = edits_from_tool_calls(
        [ToolCall("edit_file", {"path": "src/app.py", "edit": SEARCH_REPLACE})],
        FILES,
        EditFormat.SEARCH_REPLACE,
    )
    assert blocks.edits[0].text == SEARCH_REPLACE


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("rm", {"path": "src/app.py", "edit": "x"}),
        ToolCall("edit_file", {"path": "src/app.py"}),
        ToolCall("edit_file", {"path": 3, "edit": "x"}),
    ],
)
def test_a_wrong_tool_call_is_a_problem(call: ToolCall) -> None:
    found = edits_from_tool_calls([call], FILES, EditFormat.LAZY)
    assert found.edits == []
    assert len(found.problems) == 1


LINE = st.sampled_from(
    [
        "File: src/app.py",
        "```",
        "````",
        "```py",
        "*** Begin Patch",
        "*** End Patch",
        "*** Update File: src/app.py",
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "--- a",
        "+++ b",
        "@@ -1 +1 @@",
        "+x",
        "x",
        "",
        "<think>",
    ]
)


@given(st.lists(LINE, max_size=30))
def test_any_reply_gives_edits_or_problems_and_never_an_exception(lines: list[str]) -> None:
    found = extract("\n".join(lines), FILES)
    assert found.edits or found.problems


@given(st.lists(st.text(alphabet="ab`~ \t#", max_size=8), max_size=12))
def test_what_the_prompts_fence_holds_comes_back_unchanged(body: list[str]) -> None:
    fence = "`" * (max((len(line) for line in body), default=0) + 3)
    text = "".join(line + "\n" for line in body)
    assert edits(f"File: src/app.py\n{fence}\n{text}{fence}\n")[0].text == text
