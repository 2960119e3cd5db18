"""Blocks and hunks whose old lines are inexact: placed where one place fits, else refused by name."""

from __future__ import annotations

import pytest

from applier import Applier
from applier.types import EditRequest, EditResult, RefusalReason, Status, Tier

APPLIER = Applier.without_model()


def ask(file: str, edit: str, path: str = "a.py") -> EditResult:
    return APPLIER.apply(EditRequest(file.encode(), edit.encode(), path))


def block(search: str, replace: str, line: int | None = None) -> str:
    hint = "" if line is None else f":start_line:{line}\n-------\n"
    return f"<<<<<<< SEARCH\n{hint}{search}=======\n{replace}>>>>>>> REPLACE\n"


def hunk(body: str, head: str = "@@ ... @@", path: str = "a.py") -> str:
    return f"--- a/{path}\n+++ b/{path}\n{head}\n{body}"


def v4a(body: str, *anchors: str, path: str = "a.py") -> str:
    heads = "".join(f"@@ {anchor}\n" for anchor in anchors) or "@@\n"
    return f"*** Begin Patch\n*** Update File: {path}\n{heads}{body}*** End Patch\n"


def becomes(file: str, edit: str, expected: str, path: str = "a.py") -> None:
    result = ask(file, edit, path)
    assert result.refusal is None
    assert (result.status, result.content.decode()) == (Status.APPLIED, expected)


def refused(file: str, edit: str, path: str = "a.py") -> tuple[RefusalReason, str]:
    result = ask(file, edit, path)
    assert (result.status, result.content) == (Status.REFUSED, file.encode())
    assert result.refusal is not None
    return result.refusal.reason, result.refusal.message


FETCH = """def fetch(url, tries):
    reply = get(url)
    code = reply.status
    check(code)
    body = decode(reply)
    note('decoded')
    return body
"""

# What stands between two changes stays between them.

GET = "-    reply = get(url)\n+    reply = get(url, 3)\n"
BODY = "-    body = decode(reply)\n+    body = read(reply)\n"
OLD_LINES = "    reply = get(url)\n    body = decode(reply)\n"
NEW_LINES = "    reply = get(url, 3)\n    body = read(reply)\n"


@pytest.mark.parametrize(
    "edit",
    [
        hunk(GET + BODY),
        v4a(GET + BODY),
        hunk(GET + "\n" + BODY),  # a blank line, or dots, in place of what stands there
        hunk(GET + "...\n" + BODY),
        block(OLD_LINES, NEW_LINES),
        hunk(BODY + GET),  # in swapped order
        block("".join(OLD_LINES.splitlines(True)[::-1]), "".join(NEW_LINES.splitlines(True)[::-1])),
    ],
)
def test_each_change_goes_to_its_own_line(edit: str) -> None:
    becomes(FETCH, edit, FETCH.replace("get(url)", "get(url, 3)").replace("decode(", "read("))


def test_lines_between_deleted_ones_stay() -> None:
    edit = hunk("-    reply = get(url)\n-    check(code)\n")
    becomes(FETCH, edit, FETCH.replace("    reply = get(url)\n", "").replace("    check(code)\n", ""))


def test_lines_that_two_replaced_ones_leave_out_are_asked_about() -> None:
    edit = block("    reply = get(url)\n    body = decode(reply)\n", "    body = decode(get(url))\n")
    reason, message = refused(FETCH, edit)
    assert reason is RefusalReason.NO_MATCH
    assert "line 3" in message
    assert "code = reply.status" in message


def test_on_which_side_of_a_line_that_is_left_out_new_ones_go_is_asked() -> None:
    _, message = refused(FETCH, hunk("     reply = get(url)\n+    log(url)\n     check(code)\n"))
    assert "which side" in message


def test_blank_lines_that_are_left_out_stay_and_are_not_doubled() -> None:
    file = "import a\n\nX = 1\n\nY = 2\n"
    becomes(file, block("X = 1\nY = 2\n", "X = 10\nY = 20\n"), "import a\n\nX = 10\n\nY = 20\n")
    becomes(file, block("import a\nX = 1\n", "import b\n\nX = 1\n"), "import b\n\nX = 1\n\nY = 2\n")


def test_a_gap_ends_with_the_block() -> None:
    file = "def a():\n    one()\n\n\ndef b():\n    two()\n    return done\n"
    assert refused(file, hunk(" def a():\n-    return done\n+    return True\n"))[0] is RefusalReason.NO_MATCH


# A place must beat its twins; what the edit states tells them apart.

METHOD = "    def save(self):\n        write(self)\n"
TWINS = f"class A:\n{METHOD}\n\nclass B:\n{METHOD}"
FIRST = TWINS.replace("write(self)", "write(self, 1)", 1)
OLD, NEW = "def save(self):\n  write(self)\n", "def save(self):\n  write(self, 1)\n"
HUNK = " def save(self):\n-  write(self)\n+  write(self, 1)\n"


@pytest.mark.parametrize("edit", [block(OLD, NEW), hunk(HUNK), v4a(HUNK), hunk(HUNK, "@@ -90,2 +90,2 @@")])
def test_equal_places_refuse(edit: str) -> None:
    reason, message = refused(TWINS, edit)
    assert reason is RefusalReason.AMBIGUOUS_MATCH
    assert "lines 2, 7" in message


@pytest.mark.parametrize(
    "edit",
    [block(OLD, NEW, 2), hunk(HUNK, "@@ -2,2 +2,2 @@"), hunk(HUNK, "@@ -1,2 +1,2 @@"), v4a(HUNK, "class A:")],
)
def test_a_stated_line_or_anchor_tells_twins_apart(edit: str) -> None:
    becomes(TWINS, edit, FIRST)


def test_as_many_blocks_as_twins_change_them_all() -> None:
    edit = block("        write(self)\n", "        write(self, 1)\n")
    becomes(TWINS, edit * 2, TWINS.replace("write(self)", "write(self, 1)"))


@pytest.mark.parametrize(
    ("anchors", "words"),
    [(("class C:",), "'class C:'"), (("class B:", "def load(self):"), "'def load(self):'")],
)
def test_an_anchor_that_is_not_there_refuses(anchors: tuple[str, ...], words: str) -> None:
    reason, message = refused(TWINS, v4a("-        write(self)\n+        write(self, 1)\n", *anchors))
    assert reason is RefusalReason.NO_MATCH
    assert words in message


@pytest.mark.parametrize("old", ["    one()", "  one()"])
def test_a_place_outside_of_its_anchor_refuses(old: str) -> None:
    file = "def a():\n    one()\n    return 1\n\n\ndef b():\n    return 2\n"
    reason, message = refused(file, v4a(f"-{old}\n+{old}  # two\n", "def b():"))
    assert reason is RefusalReason.CONTRADICTORY_EDIT
    assert "line 6" in message


@pytest.mark.parametrize(
    ("path", "head", "line"),
    [("a.ini", "[{}]", "port = 1"), ("a.yml", "{}:", "  port: 1"), ("a.md", "## {}", "The port is 1.")],
)
def test_sections_keys_and_headings_are_anchors(path: str, head: str, line: str) -> None:
    file = "".join(f"{head.format(name)}\n{line}\n\n" for name in ("one", "two", "three"))
    at = file.index(head.format("two"))
    expected = file[:at] + file[at:].replace("1", "2", 1)
    becomes(file, v4a(f"-{line}\n+{line.replace('1', '2')}\n", head.format("two"), path=path), expected, path)


# Names before likeness.

PAIRS = "timeout_a = 30\ntimeout_b = 45\nretries = 5\n"


@pytest.mark.parametrize("write", [block, lambda a, b: v4a(f"-{a}+{b}"), lambda a, b: hunk(f"-{a}+{b}")])
def test_a_stale_value_is_changed_under_its_own_key(write) -> None:
    edit = write("timeout_b = 30\n", "timeout_b = 60\n")
    becomes(PAIRS, edit, PAIRS.replace("45", "60"))
    refused(PAIRS, write("timeout_c = 30\n", "timeout_c = 60\n"))


@pytest.mark.parametrize("search", ["cfg_13 = 5\n", "the bad house\n"])
def test_a_line_of_another_name_is_another_line(search: str) -> None:
    assert refused("cfg_130 = 5\nthe red house\n", block(search, "new\n"))[0] is RefusalReason.NO_MATCH


def test_a_stale_value_that_the_edit_keeps_is_not_changed_back() -> None:
    edit = block("x = call(a, wait=30)\n", "x = call(b, wait=30)\n")
    assert "change it back" in " ".join(refused("x = call(a, wait=45)\n", edit)[1].split())


def test_context_with_other_names_refuses() -> None:
    file = "def f(self):\n    self.db_conn.open()\n    return 1\n"
    edit = block(
        "    self.db.open()\n    return 1\n", "    self.db.open()\n    self.db.check()\n    return 1\n"
    )
    assert "'self.db.open()'" in refused(file, edit)[1]


@pytest.mark.parametrize(
    "context",
    ["# Otherwise older files break", "# Otherwise, older fles break", "# Otherwise, older files  break"],
)
def test_a_slip_in_context_does_not_matter(context: str) -> None:
    file = "# Otherwise, older files break\nflag = read(x)\n"
    becomes(
        file,
        block(f"{context}\nflag = read(x)\n", f"{context}\nflag = load(x)\n"),
        file.replace("read", "load"),
    )


def test_a_comment_that_the_file_lacks_does_not_matter_and_one_from_elsewhere_does() -> None:
    file = "a = one()\nb = two()\n\n# Far away.\nc = three()\n"
    body = " # {}\n-b = two()\n+b = 2\n"
    becomes(file, hunk(body.format("Nowhere.")), file.replace("two()", "2"))
    refused(file, hunk(body.format("Far away.")))


# Indentation follows the place once.


def test_new_lines_take_the_indentation_of_the_place() -> None:
    file = "class A:\n    def f(self):\n        if x:\n            go()\n"
    new = "if x:\n    log()\n    go()\n"
    expected = file.replace("            go()", "            log()\n            go()")
    becomes(file, block("if x:\n    go()\n", new), expected)
    becomes(file, block("go()\n", "            log()\n            go()\n"), expected)  # is there already


def test_brackets_tell_the_depth_where_the_edit_has_none() -> None:
    file = "function f() {\n  if (a) {\n    go();\n  }\n}\n"
    search, new = "if (a) {\ngo();\n}\n", "if (a) {\ngo();\nif (b) {\nstop();\n}\n}\n"
    expected = "function f() {\n  if (a) {\n    go();\n    if (b) {\n      stop();\n    }\n  }\n}\n"
    becomes(file, block(search, new), expected, "a.js")


def test_a_list_that_the_edit_indents_less() -> None:
    file = "web:\n  ports:\n    - 80\nend: 1\n"
    becomes(
        file,
        block("  ports:\n  - 80\n", "  ports:\n  - 80\n  - 443\n"),
        file.replace("80\n", "80\n    - 443\n"),
        "a.yml",
    )


# Looks, and parts of lines.


@pytest.mark.parametrize(
    ("file", "search"),
    [
        ("a \u2013 b \u2026 c\n", "a - b ... c\n"),
        ("say(\u201chi\u201d)\n", 'say("hi")\n'),
        ("\u8bbe\u7f6e\uff08\u9ed8\u8ba4\uff09\uff1a\u5f00\n", "\u8bbe\u7f6e(\u9ed8\u8ba4):\u5f00\n"),
        ("a\u00a0= 1\n", "a = 1\n"),
        ("na\u200bme = 1\n", "name = 1\n"),
    ],
)
def test_characters_that_look_alike(file: str, search: str) -> None:
    becomes(file, block(search, "new = 2\n"), "new = 2\n", "a.txt")


def test_a_comment_at_the_end_of_a_line_stays() -> None:
    file = "x = 1  # one\ny = 2  # two\n"
    becomes(file, block("x = 1\ny = 2\n", "x = 10\ny = 2\n"), "x = 10  # one\ny = 2  # two\n")
    assert "'# one'" in refused(file, block("x = 1\n", "a = 1\nb = 2\n"))[1]


@pytest.mark.parametrize(
    ("file", "search", "new", "expected"),
    [
        (
            "var a=1;function f(){}var z=2;go();\n",
            "var z=2;\n",
            "var z=3;\n",
            "var a=1;function f(){}var z=3;go();\n",
        ),
        ('{"a":1,"b":{"c":[1,2]}}', '"b":{"c":[1,2]}\n', '"b":{"c":[1]}\n', '{"a":1,"b":{"c":[1]}}'),
    ],
)
def test_part_of_a_line(file: str, search: str, new: str, expected: str) -> None:
    becomes(file, block(search, new), expected, "a.js")


@pytest.mark.parametrize(
    ("file", "search"),
    [("read_limit = 3\n", "limit = 3\n"), ("return x + 1\n", "return x\n")],
)
def test_part_of_a_word_or_an_expression_is_no_line(file: str, search: str) -> None:
    refused(file, block(search, "new\n"))


# Pure insertions with a stated place.


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (hunk("+D\n", "@@ -3,0 +4 @@"), "A\nB\nC\nD\n"),
        (hunk("+D\n", "@@ -1,0 +2 @@"), "A\nD\nB\nC\n"),
        (hunk("+D\n", "@@ -0,0 +1 @@"), "D\nA\nB\nC\n"),
        (v4a("+D\n", "B"), "A\nB\nD\nC\n"),
    ],
)
def test_new_lines_alone_go_where_the_edit_states(edit: str, expected: str) -> None:
    becomes("A\nB\nC\n", edit, expected)


def test_new_lines_alone_under_an_anchor_that_stands_twice_refuse() -> None:
    assert refused("A\nB\nB\n", v4a("+D\n", "B"))[0] is RefusalReason.AMBIGUOUS_MATCH


# Confidence and tiers.


def test_no_model_takes_part_and_confidence_tells_how_inexact_a_part_was() -> None:
    looks = ask("a = f( 1 )\n", block("a = f(1)\n", "a = 2\n"))
    stale = ask("a = 5\n", block("a = 1\n", "a = 2\n"))
    assert looks.tier is stale.tier is Tier.ALIGNED
    assert 0.9 < stale.confidence < looks.confidence < 1.0
