"""A scope shown as its head with dots for a body stays as it is, unless the dots are its new body."""

from __future__ import annotations

import pytest

from applier.normalise import normalise_snippet
from applier.normalise.folds import completed, folded_row, unfolded
from applier.normalise.inline import refilled
from applier.parse import LazySnippet, parse_edit
from applier.parse.markers import MarkerKind
from applier.text.file_lines import FileLines

GO = ["func a() {", "\tone()", "\ttwo()", "}", "", "func b() {", "\tthree()", "}"]
PYTHON = [
    "class A:",
    "    def f(self, x):",
    "        y = x",
    "        return y",
    "",
    "    def g(self): ...",
]


def test_braces() -> None:
    want = {0: ["func a() {", "\t// ... existing code ..."]}
    for body in ("{ ... }", "{...}", "{ … }", "{ /* ... */ }"):
        assert unfolded([f"func a() {body}", "", "func b() {"], {}, FileLines(GO), "go") == want


def test_python() -> None:
    for fold in ("    def f(self, x): ...", "    def f(self, x): # ..."):
        made = unfolded(["class A:", fold], {}, FileLines(PYTHON), "python")
        assert made == {1: ["    def f(self, x):", "        # ... existing code ..."]}


def test_json() -> None:
    file = ["{", '  "a": {', '    "b": 1,', '    "c": 2', "  },", '  "d": 1', "}"]
    assert list(unfolded(['  "a": { ... },', '  "d": 2'], {}, FileLines(file), "json")) == [0]


@pytest.mark.parametrize(
    ("edit", "file", "language"),
    [
        (["func b() { ... }"], GO, "go"),  # a body of one line: not worth a fold
        (["func c() { ... }"], GO, "go"),  # another head
        (["func a() { ... }"], [*GO, *GO], "go"),  # two of them
        (["func a() { return }"], GO, "go"),
        (["func a() { ... }"], [*GO, "func a() { ... }"], "go"),  # a line of the file
        (["    def g(self): ..."], PYTHON, "python"),  # the file's own body
        (["    @overload", "    def f(self, x): ..."], PYTHON, "python"),
        (["    @abc.abstractmethod", "    @cached", "    def f(self, x): ..."], PYTHON, "python"),
        (["class A(Protocol):", "    def f(self, x): ..."], PYTHON, "python"),
        (["class A(ABC):", "    z = 1", "    def f(self, x): ..."], PYTHON, "python"),
        (["func a() { ... }"], GO, None),
    ],
)
def test_other_dots_stay(edit: list[str], file: list[str], language: str | None) -> None:
    assert unfolded(edit, {}, FileLines(file), language) == {}


def test_dots_of_a_stub_file_stay() -> None:
    parsed = parse_edit("class A:\n    def f(self, x): ...\n", path="a.pyi", language="python")
    assert isinstance(parsed, LazySnippet)
    assert normalise_snippet(parsed, PYTHON, "python", stub=True) == (parsed, 0)


def test_the_fold_becomes_a_marker() -> None:
    text = "// ... existing code ...\nfunc a() { ... }\n\nfunc b() {\n\tfour()\n}\n"
    parsed = parse_edit(text, language="go")
    assert isinstance(parsed, LazySnippet)
    made, _ = normalise_snippet(parsed, GO, "go")
    assert made.lines[:3] == ("// ... existing code ...", "func a() {", "\t// ... existing code ...")
    assert made.markers == {0: MarkerKind.ELIDE, 2: MarkerKind.ELIDE}


def test_folds_that_the_file_does_not_bear_out_are_found() -> None:
    edit = ["func b() {", "\tx()", "func c() { ... }"]
    assert folded_row(edit, {}, FileLines(GO), "go") == 2
    assert folded_row(edit, {}, FileLines([*GO, edit[2]]), "go") is None  # a line of the file
    assert folded_row(["// func c() { ... }", "func c() { f(x...) }"], {}, FileLines(GO), "go") is None
    assert folded_row(edit, {}, FileLines(GO), "markdown") is None


def test_lines_in_part() -> None:
    file = ["- Added support for models", "- Added support for editors", "- Removed an option", "call("]
    edit = ["- Removed an ...", "- Added ...", "call(...", "..."]
    assert completed(edit, {}, FileLines(file)) == {0: ["- Removed an option"]}


def test_remarks_in_a_line() -> None:
    file = ["const a = { host: 'x', port: 54, ssl: true };", "const b = 1;"]
    edit = ["  const a = { host: 'y', port: /* ... */, ssl: /* ... same ... */ };", "const b = 2; /* ... */"]
    assert refilled(edit, FileLines(file)) == {0: ["  const a = { host: 'y', port: 54, ssl: true };"]}
    assert refilled(edit, FileLines([*file, file[0].replace("54", "55")])) == {}
    assert refilled(["f(/* ... */, 2)"], FileLines(["f(f(1), 2)"])) == {}


def test_calls_are_folded() -> None:
    file = ["value = load(", "    one,", "    two,", ")", "stop()"]
    assert unfolded(["value = load(...)  # unchanged"], {}, FileLines(file), "python") == {
        0: ["value = load(", "    # ... existing code ..."]
    }
