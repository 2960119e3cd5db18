"""Every line of an edit has one role, talk never lands, and a snippet offers its other readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.parse import (
    EditParseError,
    LazySnippet,
    Role,
    SearchReplace,
    UnifiedDiff,
    V4APatch,
    WholeFile,
    parse_edit,
    readings,
)
from applier.parse.markers import MarkerKind
from applier.text.file_lines import FileLines
from applier.text.source_text import split_lines
from applier.types import EditFormat

FILE = [
    "import os",
    "",
    "def first(x):",
    "    one = x + 1",
    "    return one",
    "",
    "class Shop:",
    "    def open(self):",
    "        return 1",
    "",
    "    def close(self):",
    "        return 2",
    "",
    "    def sell(self):",
    "        return 3",
]
BLOCK = "```python\ndef first(x):\n    return x + 2\n```"
OTHER = "```python\n    def sell(self):\n        return 33\n```"


def snippet(text: str, path: str = "src/shop.py", file: list[str] = FILE) -> LazySnippet:
    parsed = parse_edit(text, EditFormat.AUTO, path, "python", file)
    assert isinstance(parsed, LazySnippet)
    return parsed


def roles(text: str) -> str:
    return "".join(role.value[0] for role in snippet(text).roles)


def test_each_line_of_a_reply_has_its_role() -> None:
    text = f"First the function:\n\n{BLOCK}\n\nand then:\n\n{OTHER}\n\nThe rest stays.\n"
    parsed = snippet(text)
    assert roles(text) == "ttwccwtttwccwtt"
    assert [parsed.lines[row] for row in parsed.cuts] == ["# ... existing code ..."]
    assert parsed.markers == {2: MarkerKind.ELIDE}
    assert [parsed.sent_line(row) for row in (0, 1, 3, 4)] == [4, 5, 11, 12]


@pytest.mark.parametrize(
    "talk",
    [
        "Run it:\n\n```bash\npython -m shop\n```",
        "Output:\n\n```\n3 sold\n```",
        "Usage:\n\n```python\nprint(first(3))\n```",
        "**src/stock.py**\n\n```python\ndef count():\n    return 4\n```",
        "```text\nnothing of it\n```",
    ],
)
def test_other_blocks_are_talk(talk: str) -> None:
    for text in (f"{BLOCK}\n\n{talk}\n", f"{talk}\n\n{BLOCK}\n"):
        assert snippet(text).lines == ("def first(x):", "    return x + 2")


def test_a_block_of_another_language_with_lines_of_the_file_is_code() -> None:
    assert "    def sell(self):" in snippet(f"{BLOCK}\n\n{OTHER.replace('python', 'ruby')}").lines


def test_what_was_before_is_talk() -> None:
    old = "```python\n    def sell(self):\n        return 3\n```"
    assert snippet(f"Before:\n{old}\nAfter:\n{OTHER}").lines == ("    def sell(self):", "        return 33")
    assert len(snippet(f"In `sell`:\n{old}\nAfter:\n{OTHER}").lines) == 5


def test_a_block_in_another_language_is_code_where_there_is_no_other() -> None:
    assert snippet("Put it first:\n\n```ruby\nimport sys\n```\n").lines == ("import sys",)


def test_no_block_for_this_file() -> None:
    with pytest.raises(EditParseError, match="No code block"):
        snippet("Run it:\n\n```bash\npython -m shop\n```\n")


@pytest.mark.parametrize(
    "text",
    [
        "src/shop.py\n" + BLOCK,
        "### `src/shop.py`\n\n" + BLOCK,
        BLOCK.replace("python", "python src/shop.py"),
        BLOCK.replace("python\n", "python\n# src/shop.py\n"),
        "<code>\ndef first(x):\n    return x + 2\n</code>",
        'It is:\n<file path="src/shop.py">\n<content>\ndef first(x):\n    return x + 2\n</content>\n</file>',
        "<code_edit>\ndef first(x):\n    return x + 2\n</code_edit>",
        "3 | def first(x):\n4 |     return x + 2",
        "     3\tdef first(x):\n     4\t    return x + 2",
        "3: def first(x):\n4:     return x + 2",
        "```python\n  3→def first(x):\n  4→    return x + 2\n```",
    ],
)
def test_wrappers_of_a_snippet(text: str) -> None:
    parsed = snippet(text)
    assert parsed.lines == ("def first(x):", "    return x + 2")
    assert len(parsed.roles) == text.count("\n") + 1


def test_numbers_that_are_the_files_own_stay() -> None:
    parsed = parse_edit("1: a\n2: c\n", path="x.yaml", language="yaml", file=["1: a", "2: b"])
    assert isinstance(parsed, LazySnippet)
    assert parsed.lines == ("1: a", "2: c")


def test_here_documents() -> None:
    whole = parse_edit(
        "cat > src/shop.py <<'EOF'\nx = 1\nEOF\n", path="src/shop.py", language="python", file=FILE
    )
    assert isinstance(whole, WholeFile)
    assert whole.lines == ("x = 1",)
    more = snippet("cat >> src/shop.py <<EOF\nx = 1\nEOF")
    assert (more.lines[1:], more.markers) == (("x = 1",), {0: MarkerKind.ELIDE})
    with pytest.raises(EditParseError, match=r"stock\.py"):
        snippet("cat > src/stock.py <<'EOF'\nx = 1\nEOF")
    with pytest.raises(EditParseError, match="No line EOF"):
        snippet("cat > src/shop.py <<'EOF'\nx = 1\n")
    script = ["#!/bin/sh", "echo"]
    edit = "cat > out.txt <<EOF\nhello\nEOF\n"
    own = parse_edit(edit, path="x.sh", language="bash", file=script)
    assert isinstance(own, LazySnippet)
    assert own.lines == tuple(edit.split("\n")[:-1])


PATCH = (
    "*** Begin Patch\n*** Update File: src/shop.py\n@@\n-        return 2\n+        return 4\n*** End Patch\n"
)


@pytest.mark.parametrize(
    "text",
    [
        PATCH,
        PATCH.lower(),
        "".join("  " + line + "\n" for line in PATCH.splitlines()),
        "I change close().\n\n" + PATCH + "\nDone.\n",
        "apply_patch <<'EOF'\n" + PATCH + "EOF\n",
        "Here:\n```\n" + PATCH + "```\nIt is one line.\n",
        "<patch>\n" + PATCH + "</patch>\n",
    ],
)
def test_wrappers_of_a_patch(text: str) -> None:
    parsed = parse_edit(text, path="src/shop.py", language="python", file=FILE)
    assert isinstance(parsed, V4APatch)
    assert [hunk.lines for hunk in parsed.hunks] == [(("-", "        return 2"), ("+", "        return 4"))]
    assert len(parsed.roles) == len(split_lines(text))
    assert parsed.roles.count(Role.CODE) == 2


def test_a_second_patch_is_more_hunks() -> None:
    parsed = parse_edit(PATCH + PATCH.replace("2", "3"), path="src/shop.py", language="python", file=FILE)
    assert isinstance(parsed, V4APatch)
    assert [hunk.line for hunk in parsed.hunks] == [3, 9]


SEARCH = "<<<<<<< SEARCH\n        return 2\n=======\n        return 4\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SEARCH + "\n" + PATCH, 7),
        (SEARCH + "\nand\n\n" + BLOCK, 9),
        (PATCH + "\n*** Add File: src/stock.py\n+x = 1\n", 8),
        (PATCH + "\nx = 1\n", 8),
        ("```diff\n--- a/src/shop.py\n+++ b/src/shop.py\n@@ -12 +12 @@\n-        return 2\n+    return\n```\n"
         + SEARCH, 2),
    ],
)  # fmt: skip
def test_what_stands_behind_an_edit_is_named(text: str, line: int) -> None:
    with pytest.raises(EditParseError) as raised:
        parse_edit(text, path="src/shop.py", language="python", file=FILE)
    assert raised.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        SEARCH.replace("SEARCH", "search").replace("REPLACE", "replace"),
        SEARCH.replace("SEARCH", "SEARCH:"),
        SEARCH.replace("SEARCH", "SEARCH src/shop.py"),
        SEARCH.replace("<<<<<<<", " <<<<<<<").replace("=======", " =======").replace(">>>>>>>", " >>>>>>>"),
        SEARCH.replace("        return", "    12\t        return"),
        "<apply_diff>\n<path>src/shop.py</path>\n<diff>\n" + SEARCH + "</diff>\n</apply_diff>\n",
    ],
)
def test_wrappers_of_a_block(text: str) -> None:
    parsed = parse_edit(text, path="src/shop.py", language="python", file=FILE)
    assert isinstance(parsed, SearchReplace)
    assert [(block.search, block.replace) for block in parsed.blocks] == [
        (("        return 2",), ("        return 4",))
    ]


def test_a_close_alone_is_a_block_that_is_cut_off() -> None:
    with pytest.raises(EditParseError, match="no SEARCH line"):
        parse_edit("=======\nx\n>>>>>>> REPLACE\n", path="src/shop.py", language="python", file=[])


def test_blocks_that_change_nothing_are_left_out_beside_others() -> None:
    same = SEARCH.replace("4", "2")
    parsed = parse_edit(same + SEARCH, path="src/shop.py", language="python", file=FILE)
    assert isinstance(parsed, SearchReplace)
    assert [block.line for block in parsed.blocks] == [6]
    assert Role.TALK not in parsed.roles


@pytest.mark.parametrize("pad", ["", " "])
def test_signs_in_a_snippet_are_hunks(pad: str) -> None:
    text = "\n".join(
        [
            f"{pad}# ... existing code ...",
            f"{pad}def first(x):",
            "-    one = x + 1",
            "+    one = x + 2",
            f"{pad}    return one",
            "",
            f"{pad}class Shop:",
            f"{pad}    # ... existing code ...",
            "-    def sell(self):",
            "+    def sell(self, n):",
        ]
    )
    parsed = parse_edit(text, path="src/shop.py", language="python", file=FILE)
    assert isinstance(parsed, UnifiedDiff)
    first, second = parsed.hunks
    assert first.old == ("def first(x):", "    one = x + 1", "    return one", "", "class Shop:")
    assert (second.old, second.scopes) == (("    def sell(self):",), ("class Shop:",))
    assert "".join(role.value[0] for role in parsed.roles) == "mccccccmcc"


def test_a_list_has_no_signs() -> None:
    parsed = parse_edit("- a\n- b\n- c\n", path="x.yaml", language="yaml", file=["- a", "- c"])
    assert isinstance(parsed, LazySnippet)
    signed = parse_edit("-port: 80\n+port: 81\n", path="x.yaml", language="yaml", file=["port: 80"])
    assert isinstance(signed, UnifiedDiff)


PAGE = [
    "# Title",
    "",
    "Some words.",
    "",
    "## Use",
    "",
    "```bash",
    "npm install tool",
    "```",
    "",
    "More words.",
]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Change it:\n\n```markdown\nOther words.\n```\n", ["Other words."]),
        ("Install it globally:\n\n```bash\nnpm install -g tool\n```\n", ["npm install -g tool"]),
        (
            "````markdown\n## Use\n\n```bash\nnpm i tool\n```\n````",
            ["## Use", "", "```bash", "npm i tool", "```"],
        ),
        ("## Use\n\n```bash\nnpm i tool\n```", ["## Use", "", "```bash", "npm i tool", "```"]),
        (
            "## New\n\nText.\n\n```bash\nnpm test\n```",
            ["## New", "", "Text.", "", "```bash", "npm test", "```"],
        ),
    ],
)
def test_fences_of_a_page_and_of_a_reply(text: str, lines: list[str]) -> None:
    parsed = parse_edit(text, path="README.md", language="markdown", file=PAGE)
    assert isinstance(parsed, LazySnippet)
    assert list(parsed.lines) == lines


def test_other_readings_of_a_remark() -> None:
    edit = snippet("    def open(self):\n        # prices as above, checks unchanged\n        return 11\n")
    first, second = readings(edit, FILE, "python")
    assert (first.edit.markers, first.penalty) == ({1: MarkerKind.ELIDE}, 0)
    assert (second.edit.markers, second.penalty > 0) == ({}, True)
    assert (first.edit.roles[1], second.edit.roles[1]) == (Role.MARKER, Role.CODE)


LINES = [
    *FILE,
    "    return x + 2",
    "    # ... existing code ...",
    "# the others stay as they are",
    "y = 1",
    "",
]
TALK = ["The rest stays the same as it was before this.", "First the import:", "- It is a small change.", ""]


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(TALK), max_size=3),
            st.lists(st.sampled_from(LINES), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_talk_never_lands_and_every_line_has_one_role(parts: list[tuple[list[str], list[str]]]) -> None:
    sent: list[str] = []
    code: list[str] = []
    for talk, lines in parts:
        sent += [*talk, "```python", *lines, "```"]
        code += lines
    text = "\n".join(sent)
    try:
        parsed = parse_edit(text, path="src/shop.py", language="python", file=FILE)
    except EditParseError:
        return
    assert isinstance(parsed, LazySnippet)
    assert len(parsed.roles) == len(sent)
    assert len(parsed.rows) == len(parsed.lines)
    for row, line in enumerate(parsed.lines):
        if row not in parsed.cuts:
            assert sent[parsed.rows[row]] == line
    taken = [row for index, row in enumerate(parsed.rows) if index not in parsed.cuts]
    assert len(set(taken)) == len(taken)
    for row, line in enumerate(sent):
        if line in TALK[:3]:
            assert parsed.roles[row] is Role.TALK
        if line.startswith("```"):
            assert parsed.roles[row] in (Role.WRAPPER, Role.TALK)
        if row in taken and line.strip():
            assert parsed.roles[row] in (Role.CODE, Role.MARKER)
    assert [line for line in parsed.lines if line in code and line.strip()]


PIECES = (
    "```|```python|```bash|~~~|<code>|</code>|<<<<<<< SEARCH|=======|>>>>>>> REPLACE|@@|--- a/x|+++ b/x"
    "|*** Begin Patch|*** Update File: x|*** End Patch|EOF|cat > x <<EOF|+a|-a| a|1 | a||# ...|...|Words."
)


@given(
    st.lists(st.sampled_from(PIECES.split("|")), max_size=16),
    st.sampled_from(["python", "markdown", "yaml", None]),
)
def test_any_text_has_a_role_for_each_line_or_is_refused(lines: list[str], language: str | None) -> None:
    text = "\n".join(lines)
    problem: EditParseError | None = None
    try:
        parsed = parse_edit(text, EditFormat.AUTO, "x", language, FileLines(["a", "b"]))
    except EditParseError as error:
        problem = error
    if problem is None:
        assert len(parsed.roles) == len(split_lines(text))
    else:
        assert problem.line is None or 1 <= problem.line <= len(lines)
