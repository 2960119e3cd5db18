"""What a parse from the file's tree says is what a parse from nothing says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applier import pipeline
from applier.syntax.parser import error_spans
from applier.syntax.source_syntax import SourceSyntax
from applier.text.encoding import UTF8
from applier.text.line_diff import changes
from applier.text.source_text import SourceText

PYTHON = Path(pipeline.__file__).read_text().splitlines()
GO = [
    "package a",
    "",
    "// A queue.",
    "type Queue struct {",
    '\titems []string `json:"items"`',
    "}",
    "",
    "func (q *Queue) Push(item string) {",
    '\tif item != "" {',
    "\t\tq.items = append(q.items, item)",
    "\t}",
    "}",
]
RUBY = [
    "module A",
    "  # Says so.",
    "  def f(x)",
    "    y = <<~TEXT",
    "      a",
    "    TEXT",
    "    y + x",
    "  end",
    "end",
]
FILES = {"python": PYTHON, "go": GO, "ruby": RUBY}
PIECES = st.sampled_from(
    ["", "{", "}", "(", '"', "'", '"""', "`", "/*", "# ", "    ", "end", "x = 1", "return"]
)


def text(lines: list[str], newline: str = "\n", final: bool = True) -> SourceText:
    return SourceText((newline.join(lines) + (newline if final else "")).encode(), UTF8)


def after(source: SourceText, result: SourceText, language: str | None) -> tuple[SourceSyntax, list]:
    syntax = SourceSyntax(source, language)
    found = changes(source.lines, result.lines)
    touched = [(change.a_start, change.a_end) for change in found]
    return syntax, list(syntax.errors_after(result, touched, [(c.b_start, c.b_end) for c in found]))


@pytest.mark.parametrize("language", FILES)
def test_the_files_parse(language: str) -> None:
    assert SourceSyntax(text(FILES[language]), language).errors == ()


@settings(max_examples=150)
@given(st.data())
def test_errors_are_those_of_a_parse_from_nothing(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(sorted(FILES)))
    lines = list(FILES[language])
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(lines) - 1))
        move = data.draw(st.integers(0, 3))
        if move == 0 and len(lines) > 6:
            del lines[row : row + data.draw(st.integers(1, 5))]
        elif move == 1:
            lines.insert(row, data.draw(PIECES))
        elif move == 2:
            lines[row] += data.draw(PIECES)
        else:
            lines[row:row] = FILES[language][row : row + 3]
    newline, final = data.draw(st.sampled_from(["\n", "\r\n", "\r"])), data.draw(st.booleans())
    source, result = text(FILES[language], newline), text(lines, newline, final)
    for a, b in ((source, result), (result, source)):
        syntax, errors = after(a, b, language)
        assert list(syntax.errors) == error_spans(a.body, language)
        assert errors == error_spans(b.body, language)


def test_a_tree_that_is_not_told_of_a_change_would_be_wrong() -> None:
    """The control: what is taken over is not looked at, so that each change has to be told."""
    source, result = text(GO), text([*GO[:-1], "{"])
    assert SourceSyntax(source, "go").errors_after(result, [], []) == ()
    assert after(source, result, "go")[1] == error_spans(result.body, "go") != []


def test_with_line_feeds() -> None:
    syntax = SourceSyntax(text(PYTHON, "\r\n", final=False), "python").with_line_feeds()
    assert syntax.source.body == text(PYTHON).body
    assert SourceSyntax(text(PYTHON), "python").with_line_feeds().source.body == syntax.source.body
