"""The indentation of an edit is put in the file's units where shared lines prove it, and not otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.normalise.units import find_units, in_units, unit_of
from applier.text.file_lines import FileLines

FILE = [
    "class A:",
    "    def f(self):",
    "        if self.x:",
    "            return self.g(1,",
    "                          2)",
    "        return None",
    "",
    "    def h(self):",
    "        return 7",
    "",
]


def narrow(lines: list[str], unit: str = "  ") -> list[str]:
    return [unit * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in lines]


def normalised(file: list[str], edit: list[str], language: str | None = "python") -> list[str]:
    lines = FileLines(file)
    units = find_units(lines, edit, (), language)
    return edit if units is None else in_units(edit, units, lines, language)


@pytest.mark.parametrize("unit", ["  ", "   ", "\t", " " * 8])
def test_units_become_the_files(unit: str) -> None:
    want = ["class A:", "    def f(self):", "        if self.x:", "            y = 1", "        return None"]
    assert normalised(FILE, narrow(want, unit)) == want


def test_spaces_become_tabs_in_a_makefile() -> None:
    file = ["all: a.o", "\tcc -o all a.o", "clean:", "\trm -f all"]
    assert normalised(file, ["all: a.o", "    cc -O2 -o all a.o", "    strip all", "clean:"], "makefile") == [
        "all: a.o",
        "\tcc -O2 -o all a.o",
        "\tstrip all",
        "clean:",
    ]


def test_yaml_lists_and_maps() -> None:
    file = ["jobs:", "  build:", "    steps:", "      - run: a", "      - run: b"]
    edit = ["jobs:", "    build:", "        steps:", "            - run: a", "            - run: c"]
    assert normalised(file, edit, "yaml") == [*file[:4], "      - run: c"]


def test_aligned_lines_keep_their_distance() -> None:
    edit = ["class A:", "  def f(self):", "    if self.x:", "      z = call(1,", "               3)"]
    assert normalised(FILE, edit)[3:] == ["            z = call(1,", "                     3)"]
    shown = [*narrow(FILE[:4]), "                    2)"]
    assert normalised(FILE, shown) == FILE[:5]


def test_comment_borders_keep_their_distance() -> None:
    file = ["class A {", "    /**", "     * Old.", "     */", "    void f() {", "        g();", "    }", "}"]
    edit = ["class A {", "  /**", "   * New.", "   */", "  void f() {", "    g();", "    h();", "  }", "}"]
    want = ["class A {", "    /**", "     * New.", "     */", *file[4:6], "        h();", "    }", "}"]
    assert normalised(file, edit, "java") == want


def test_new_strings_keep_their_content_and_docstrings_follow() -> None:
    edit = [
        "class A:",
        "  def f(self):",
        '    """Doc.',
        "",
        "    More.",
        '    """',
        '    q = """',
        "      select 1",
        '    """',
        "    return None",
    ]
    assert normalised(FILE, edit)[2:] == [
        '        """Doc.',
        "",
        "        More.",
        '        """',
        '        q = """',
        "      select 1",
        '    """',
        "        return None",
    ]


@pytest.mark.parametrize(
    ("edit", "language"),
    [
        (FILE[1:6], "python"),  # the file's unit
        (
            ["  class A:", "      def f(self):", "          if self.x:"],
            "python",
        ),  # shifted, in the file's unit
        (["def f(self):", "    if self.x:", "        y = 1"], "python"),  # dedented
        (["x = 1", "if x:", "  y = 2"], "python"),  # nothing shared
        (narrow(FILE), "markdown"),
        (narrow(FILE), None),
    ],
)
def test_other_edits_are_left_alone(edit: list[str], language: str | None) -> None:
    assert normalised(FILE, edit, language) == edit


def test_a_file_of_mixed_units_is_left_alone() -> None:
    file = ["a:", "  b:", "      c: 1", "d:", "   e:", "        f: 2"]
    edit = ["a:", "    b:", "        c: 1", "        g: 3"]
    assert unit_of(file) is None
    assert normalised(file, edit, "yaml") == edit


def test_shared_lines_that_disagree_decide_nothing() -> None:
    edit = [
        "class A:",
        "  def f(self):",
        "        if self.x:",
        "  def h(self):",
        "    return 7",
        "        return None",
    ]
    assert normalised(FILE, edit) == edit


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdef")), min_size=1, max_size=12))
def test_lines_of_the_file_in_other_units_come_back(levels: list[tuple[int, str]]) -> None:
    file = ["    " * level + f"{name}{row};" for row, (level, name) in enumerate(levels)]
    edit = ["  " * level + f"{name}{row};" for row, (level, name) in enumerate(levels)]
    units = find_units(FileLines(file), edit, (), "go")
    if units is not None:
        assert in_units(edit, units, FileLines(file), "go") == file


def test_one_space_is_no_unit():
    comment = ["/**", " * Says what", " * it does.", " */", "class A {", "    int a;", "}"]
    assert unit_of(comment[:4]) is None
    assert unit_of(comment) == "    "
    edit = ["/**", " * Says it better", " */", "class A {", "    int a;", "    int b;", "}"]
    assert find_units(FileLines(comment), edit, (), "java") is None


def test_lines_without_indentation_prove_no_unit():
    file = ["[testenv]", "deps=%(deps)s", "commands=run {envlogdir}", "def f():", "    return 1", ""]
    edit = ["[testenv]", "deps=", "  %(deps)s", "  py", "commands=run {envlogdir}"]
    assert normalised(file, edit) == edit
    imports = ["from flask import Flask, \\", "     g, flash, url_for, \\", "     abort", "x = 1", *file]
    new = ["from flask import Flask, \\", "     g, flash", "import re", "x = 1"]
    assert normalised(imports, new) == new


def test_an_edit_with_lines_that_stand_as_in_the_file_is_left_alone() -> None:
    flat = [f"name_{n} = {n}" for n in range(8)]
    file = [*flat, "def f(a):", "    one(a)", "    two(a)", "def g(a):", "    three(a)", "    four(a)"]
    edit = [*flat, "def f(a):", "  one(a)", "  two(a)", "def g(a):", "    three(a)", "    four(a)"]
    assert normalised(file, edit) == edit
