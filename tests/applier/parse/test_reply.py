"""The code of a chat reply is taken out of the prose around it, and code that holds fences is left alone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.parse import EditParseError, LazySnippet, UnifiedDiff, WholeFile, detect_format, parse_edit
from applier.parse.chat.prose import is_prose
from applier.types import EditFormat

CODE = 'def f():\n    return "a"'
BLOCK = f"```python\n{CODE}\n```"
OPENINGS = [
    "Here's the updated code:",
    "Sure! I'll fix it. The part of `src/x.py`:",
    "## Changes",
    "**x.py**",
]
CLOSINGS = [
    "The rest of the file stays the same.",
    "Key changes:\n- handles the new case\n- `f()` is kept",
    "Let me know if you'd like me to add tests as well!",
    "1. Run the tests.\n2. Ship it.",
]


def body(text: str, language: str = "python", path: str = "src/x.py") -> str:
    parsed = parse_edit(text, EditFormat.AUTO, path, language)
    assert isinstance(parsed, LazySnippet)
    return "\n".join(parsed.lines)


@pytest.mark.parametrize("opening", [*OPENINGS, ""])
@pytest.mark.parametrize("closing", [*CLOSINGS, ""])
def test_prose_around_the_block_is_no_code(opening: str, closing: str) -> None:
    assert body(f"{opening}\n\n{BLOCK}\n\n{closing}\n") == CODE


def test_lines_are_numbered_in_the_reply() -> None:
    parsed = parse_edit(f"Here it is:\n\n{BLOCK}\n", EditFormat.AUTO, "x.py", "python")
    assert isinstance(parsed, LazySnippet)
    assert (parsed.line, parsed.fence_stripped) == (4, True)


def test_whole_file_and_diff_in_a_reply() -> None:
    whole = parse_edit(f"The new file:\n{BLOCK}\nThat is all.\n", EditFormat.WHOLE_FILE, "x.py", "python")
    assert isinstance(whole, WholeFile)
    assert whole.lines == tuple(CODE.split("\n"))
    text = "Only one line changes, and it is this one:\n\n```diff\n-a = 1\n+a = 2\n```\nIt is safe now.\n"
    diff = parse_edit(text, EditFormat.AUTO, "x.py", "python")
    assert isinstance(diff, UnifiedDiff)
    assert diff.hunks[0].lines == (("-", "a = 1"), ("+", "a = 2"))


def test_the_block_of_the_files_language_among_others() -> None:
    text = f"Change this:\n\n{BLOCK}\n\nThen run the tests:\n\n```bash\npytest\n```\n"
    assert body(text) == CODE


@pytest.mark.parametrize(
    "text",
    [
        f"Here it is, as far as I got:\n\n```python\n{CODE}\n\n\ndef g(\n",
        "Here it is:\n\n```python\nx = 1\n\nand then:\n\n```python\ny = 1\n```\n",
        f"src/y.py\n{BLOCK}\nThat is all of it.\n",
        f"**`lib/other.py`**\n\n{BLOCK}\n",
    ],
)
def test_doubtful_replies_are_refused(text: str) -> None:
    with pytest.raises(EditParseError) as raised:
        parse_edit(text, EditFormat.AUTO, "src/x.py", "python")
    assert raised.value.line is not None
    assert detect_format(text, "python") is EditFormat.LAZY


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ('PROMPT = """\nSay it so:\n\n```python\nx\n```\n"""\n', "python"),
        ("x = 1\n```python\ny\n```\n", "python"),
        ("/**\n * Use it:\n```\na()\n```\n */\nfun f() {\n}\n", "kotlin"),
        ("Install it:\n\n```bash\npip install x\n```\n\nThen use it.\n", "markdown"),
        ("Install it:\n\n```bash\npip install x\n```\n\nThen use it.\n", "text"),
    ],
)
def test_fences_that_belong_to_the_file_stay(text: str, language: str) -> None:
    assert body(text, language, "") == text.strip("\n")


def test_without_a_language_prose_is_content() -> None:
    text = "Install it:\n\n```bash\npip install x\n```"
    parsed = parse_edit(text)
    assert isinstance(parsed, LazySnippet)
    assert "\n".join(parsed.lines) == text


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        "import os",
        "def f(a, b):",
        "foo(bar)",
        "} else {",
        "return the_value",
        "    Indented text of four words.",
        "// A comment on the code below.",
        "@decorator",
        "a: int",
        "end",
        '"""Docstring of a module."""',
        "<p>Some text of a page.</p>",
    ],
)
def test_code_is_no_prose(line: str) -> None:
    assert not is_prose(line)


@given(st.text(alphabet="ab `~\n=({.", max_size=60), st.sampled_from(["python", "go", "markdown", None]))
def test_any_text_is_read_or_refused(text: str, language: str | None) -> None:
    with suppress(EditParseError):
        assert parse_edit(text, EditFormat.AUTO, "x", language).text
