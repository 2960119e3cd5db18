"""What is a placeholder and what is code, language by language."""

from __future__ import annotations

import pytest

from applier.parse.markers import MarkerKind, find_markers, is_marker, leaks, marker_kind, trailing_marker

MARKERS = {
    "python": [
        "# ... existing code ...",
        "# ...",
        "    # ... rest of the function unchanged",
        "# rest of the function unchanged",
        "# ... (keep the rest)",
        "# (unchanged)",
        "# ... other methods",
        "# [existing code]",
        "# existing code",
        "# ... existing imports ...",
        "# Rest of the code remains the same",
        "# remaining methods unchanged",
        "# … existing code …",
        "…",
        "... existing code ...",
        "# --- existing code ---",
        "#...",
        "# ...existing code...",
        "# other imports...",
        "# everything else stays the same",
        "# keep the rest of the file unchanged",
        "# snip",
        "# ... unchanged ...",
        "# unchanged",
        "// ... existing code ...",
        "# Rest of your code here",
        "# all other methods remain unchanged",
        "# same as before",
        "# ... rest of __init__ ...",
        "# rest of __init__ unchanged",
        "# ... 20 lines omitted ...",
        "[... rest of code unchanged ...]",
        "# code omitted for brevity",
        "# ... [unchanged] ...",
        "# ... (rest of file)",
        "# <existing code>",
        "# ... keep existing code ...",
    ],
    "javascript": [
        "// ... existing code ...",
        "// ...",
        "...",
        "{/* ... */}",
        "{/* ... existing code ... */}",
        "/* ... */",
        "/* existing code */",
        "// rest of component unchanged",
        "  ...",
        "...,",
        "{...}",
        "// ... rest of the code",
        "# ... existing code ...",
        "<!-- ... -->",
        "... existing code ...",
        "// ... other props",
        "// ...rest of code",
        "...rest of code...",
        "// Rest of the component remains the same",
    ],
    "html": [
        "<!-- ... -->",
        "<!-- existing content -->",
        "<!-- ... existing content ... -->",
        "...",
        "<!-- rest of the page unchanged -->",
    ],
    "sql": [
        "-- ...",
        "-- ... existing code ...",
        "-- rest of file unchanged",
    ],
    "clojure": [
        "; ...",
        "; ... existing code ...",
        ";; ... existing code ...",
    ],
    "latex": [
        "% ...",
        "% ... existing text ...",
    ],
    "yaml": [
        "# ...",
        "# ... existing config ...",
        "# rest of the file unchanged",
        "  ...",
    ],
    "go": [
        "...",
        "// ...",
    ],
    "rust": [
        "// ...",
        "...",
    ],
    "css": [
        "/* ... */",
        "/* ... existing styles ... */",
        "// ... existing code ...",
    ],
    "markdown": [
        "<!-- ... -->",
        "... existing content ...",
    ],
    "json": [
        "...",
        "// ... existing code ...",
    ],
    "c": [
        "/* ... existing code ... */",
        "// ...",
    ],
    "lua": [
        "-- ... existing code ...",
    ],
    "ruby": [
        "# ...",
        "...",
    ],
}

CODE = {
    "python": [
        "...",
        "    ...",
        "x = ...",
        "def f(): ...",
        "# Loading data...",
        "# wait for it ...",
        "# other methods",
        "# Existing connections are reused",
        "# TODO: handle the rest",
        "# the rest of the arguments",
        "# keep the original order",
        "# no changes",
        "foo()  # ... unchanged",
        "# ... and then the loop ends because of that",
        "print('...')",
        "...,",
        "#!/usr/bin/env python",
        "# Other imports",
        "# Remove the old file",
        "# removed in 3.0",
        "# Previous value",
        "# same thing for x",
        "# more details in docs",
        "# the cache is unchanged when x",
        "# keep existing connections open",
        "# Tests",
        "# rest of the arguments",
        "# Implementation",
        "# skip the rest",
        "# original: foo",
        "# other",
        "# All remaining items",
        "# returns the original",
        "# leave other values alone",
    ],
    "javascript": [
        "...props",
        "...rest,",
        "...state.items,",
        "...(a ? b : c),",
        "// Loading ...",
        "[...a]",
        "{...props}",
        "...getDefault(),",
        "// TODO ...",
        "// the rest is easy",
        "...(await foo()),",
        "...[1, 2, 3],",
    ],
    "rust": [
        "..Default::default()",
        "0..10",
        "..",
        "// Rest of args",
    ],
    "yaml": [
        "...",
        "---",
    ],
    "markdown": [
        "# ...",
        "# Other",
        "# Existing",
    ],
    "c": [
        "#define X ...",
        "#include <a>",
        "// more",
        "int a, ...",
    ],
    "sql": [
        "-- other tables",
    ],
    "ruby": [
        "1...10",
        "(1..)",
    ],
    "go": [
        "args...",
        "x...)",
    ],
}


def _pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(language, line) for language, lines in table.items() for line in lines]


@pytest.mark.parametrize(("language", "line"), _pairs(MARKERS))
def test_marker(language: str, line: str) -> None:
    assert is_marker(line, language)
    assert is_marker(line + "\r\n", language)


@pytest.mark.parametrize(("language", "line"), _pairs(CODE))
def test_code(language: str, line: str) -> None:
    assert not is_marker(line, language)


@pytest.mark.parametrize(
    "line", ["# removed", "# deleted: foo()", "# (removed old import)", "# ... removed ..."]
)
def test_deletion_comment(line: str) -> None:
    assert marker_kind(line, "python") is MarkerKind.DELETE
    assert not is_marker(line, "python")


@pytest.mark.parametrize("line", ["# ... rest of the file ...", "# rest of the function unchanged"])
def test_elision_up_to_the_end(line: str) -> None:
    assert marker_kind(line, "python") is MarkerKind.ELIDE_REST


def test_every_comment_style_without_a_language() -> None:
    for sign in ("# {}", "// {}", "/* {} */", "<!-- {} -->", "{{/* {} */}}", "-- {}", "; {}", "% {}"):
        assert is_marker(sign.format("... existing code ..."))
        assert is_marker(sign.format("rest of the code unchanged"))


PYTHON_SNIPPET = '''
class A:
    ...
    def stub(self):
        """Say what it does."""
        ...
    def text(self):
        """Kept.
        # ... existing code ...
        """
        # ... existing code ...
        ...
        value = frame[
            ...
        ]
    def last(self): ...
'''.strip("\n")


def test_python_ellipsis_is_judged_by_its_neighbours() -> None:
    lines = PYTHON_SNIPPET.split("\n")
    assert list(find_markers(lines, "python")) == [1, 9, 10]
    assert list(find_markers(lines, "python", stub=True)) == [9]


def test_variadic_parameter_is_code() -> None:
    lines = ["void f(int a,", "       ...", ");", "void g() {", "  ...", "  x();", "}"]
    assert list(find_markers(lines, "c")) == [4]


def test_template_string_is_code() -> None:
    lines = ["const a = `", "// ... existing code ...", "`;", "// ... existing code ..."]
    assert list(find_markers(lines, "javascript")) == [3]


def test_scripts_and_tags_are_no_strings() -> None:
    html = ["<script>", "// ... existing code ...", "f();", "</script>"]
    assert list(find_markers(html, "html")) == [1]
    tsx = ["const a = (", "  <div>", "    ...", "    <p>x</p>", "  </div>", ");"]
    assert list(find_markers(tsx, "tsx")) == [2]


def test_trailing_marker_is_drift_not_a_marker() -> None:
    assert trailing_marker("foo()  # ... unchanged", "python") == ("foo()", MarkerKind.ELIDE)
    assert trailing_marker("function f() { /* ... */ }", "javascript") == ("function f() {", MarkerKind.ELIDE)
    assert trailing_marker('url = "# ..."', "python") is None
    assert trailing_marker("value = 1  # the rest is easy", "python") is None


def test_leaks_are_counted_beyond_the_original() -> None:
    line = "# ... existing code ..."
    assert leaks(["a", line], ["a", line], "python") == []
    assert leaks(["a", line], [line, "a", line], "python") == [2]
    assert leaks([], ["f()  # ... unchanged"], "python") == [0]
    assert leaks([], ['"""', line, '"""'], "python") == []
    assert leaks([], ["# removed: foo"], "python") == []


def test_a_comment_in_code_in_a_comment_is_no_marker():
    for line in ("//! async fn get() { /* ... */ }", "/// struct User { /* ... */ }"):
        assert trailing_marker(line, "rust") is None
    assert trailing_marker("// see get()  // ... existing code ...", "rust") is not None
