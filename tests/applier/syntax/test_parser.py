"""Languages by path, error counts, scopes and tree equality."""

from __future__ import annotations

import pytest

from applier.syntax import languages
from applier.syntax.parser import error_nodes, error_spans, has_grammar, language_for_path, parse
from applier.syntax.scopes import scopes
from evals.metrics.semantic import same_tree

SAMPLES = {
    "python": "@dec\nclass A:\n    def f(self):\n        return 1\n",
    "javascript": "export const f = () => {\n  return 1;\n};\nclass A { m() {} }\n",
    "typescript": "interface P { a: string }\nfunction g(): void {}\n",
    "tsx": "export default function App() { return <div>a</div> }\n",
    "go": "package a\n\nfunc (x *T) F(a int) error {\n\treturn nil\n}\n",
    "rust": "impl A for B {\n    fn f(&self) {}\n}\n",
    "java": "class A {\n    void f() {}\n}\n",
    "c": "int f(int a) {\n  return 1;\n}\n",
    "cpp": "namespace x {\nclass A { void f(); };\n}\n",
    "csharp": "namespace N { class A { void F() {} } }\n",
    "ruby": "module M\n  class A\n    def f\n    end\n  end\nend\n",
    "php": "<?php\nclass A { function f() {} }\n",
    "kotlin": "class A {\n    fun f() {}\n}\n",
    "swift": "class A {\n  func f() {}\n}\n",
    "scala": "object A {\n  def f() = 1\n}\n",
    "bash": "f() {\n  echo\n}\n",
    "lua": "function f()\nend\n",
    "sql": "create table a (id int);\n",
    "toml": "[a]\nb = 1\n",
    "yaml": "a:\n  b: 1\n  c: 2\n",
    "json": '{"a": {\n"b": 1}}\n',
    "markdown": "# A\n\nx\n",
    "css": "a {\n  color: red;\n}\n",
    "html": "<div>\n<p>a</p>\n</div>\n",
}


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_every_grammar_parses_and_finds_a_scope(language: str) -> None:
    assert has_grammar(language)
    assert error_nodes(SAMPLES[language], language) == 0
    found = scopes(SAMPLES[language], language)
    assert found
    assert all(1 <= scope.start_line <= scope.end_line <= SAMPLES[language].count("\n") for scope in found)


def test_the_table_covers_every_grammar() -> None:
    assert {entry.name for entry in languages.LANGUAGES if entry.grammar} == set(SAMPLES)


def test_broken_text_has_error_nodes_where_it_breaks() -> None:
    assert error_nodes("def f(:\n", "python")
    assert error_spans("a = 1\nb = (\n", "python") == [(2, 2)]
    assert error_nodes("anything {", "no such language") is None
    assert error_nodes("anything {", None) is None


def test_scopes_nest_and_take_their_decorators() -> None:
    outer, inner = scopes(SAMPLES["python"], "python")
    assert (outer.start_line, outer.end_line, outer.name, outer.kind) == (1, 4, "A", "class")
    assert (inner.start_line, inner.end_line, inner.name, inner.kind) == (3, 4, "f", "function")


@pytest.mark.parametrize(
    ("path", "first_line", "language"),
    [
        ("a/b.py", "", "python"),
        ("C:\\x\\y.TS", "", "typescript"),
        ("Dockerfile.dev", "", "dockerfile"),
        ("bin/tool", "#!/usr/bin/env -S python3 -u", "python"),
        ("bin/tool", "#!/bin/bash", "bash"),
        ("bin/tool", "", None),
        ("", "", None),
        ("a.unknown", "", None),
    ],
)
def test_language_for_path(path: str, first_line: str, language: str | None) -> None:
    assert language_for_path(path, first_line) == language


def test_same_tree_ignores_comments_and_space_only() -> None:
    assert same_tree("def f():\n  return 1 # a\n", "def f():\n\n    return 1\n", "python") is True
    assert same_tree("def f():\n  return 1\n", "def f():\n  return 2\n", "python") is False
    assert same_tree("a\n", "a\nb\n", "python") is False
    assert same_tree("a\nb\n", "a\n", "python") is False
    assert same_tree("x = 'a b'\n", "x = 'a  b'\n", "python") is False
    assert same_tree("a", "a", "unknown") is None


def test_a_kotlin_annotation_at_the_end_of_the_text_is_parsed() -> None:
    assert parse("class A {\n    @get:InputFile\n    @get:Optional", "kotlin") is not None


def test_kept_error_spans_are_those_of_the_text_and_the_callers_own() -> None:
    texts = ["x = 1\n", "x = (\n", "x = (", b"x = (\n", "def f(:\n    pass\n"]
    first = [error_spans(text, "python") for text in texts]
    assert first[0] == []
    assert first[1] == first[2] == first[3] != []
    for spans in first:
        assert spans is not None
        spans.append((0, 0))
    again = [error_spans(text, "python") for text in texts]
    assert [spans[:-1] for spans in first if spans] == again
    assert error_spans("x = 1\n", "json") != []
    assert error_spans("x = (\n", None) is None
