import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.baseline import align, align_replacement
from applier.window import GAP

KEEP = "# ... existing code ..."
FILE = """import os

class Thing:
    def first(self):
        a = prepare()
        return a

    def second(self):
        b = prepare_more()
        check(b)
        return b
""".splitlines()


def merged(edit: str, items=FILE) -> list:
    return align(items, edit.splitlines(), "python")


def test_a_marker_keeps_what_it_stands_for():
    edit = f"{KEEP}\n    def second(self):\n        b = prepare_more(1)\n        check(b)\n{KEEP}"
    expected = [line.replace("more()", "more(1)") for line in FILE]
    assert merged(edit) == expected


def test_lines_between_neighbours_of_the_edit_are_gone():
    edit = f"{KEEP}\n        b = prepare_more()\n        return b\n"
    assert merged(edit) == [line for line in FILE if "check" not in line]


def test_new_lines_are_inserted_beside_their_context():
    edit = f"{KEEP}\n        check(b)\n        log(b)\n        return b\n"
    at = FILE.index("        check(b)") + 1
    assert merged(edit) == [*FILE[:at], "        log(b)", *FILE[at:]]


def test_missing_markers_at_the_ends_keep_what_is_outside():
    assert merged("        check(b)\n        log(b)\n        return b") == merged(
        f"{KEEP}\n        check(b)\n        log(b)\n        return b\n{KEEP}"
    )


def test_a_dedented_snippet_takes_the_files_indentation():
    edit = f"{KEEP}\ndef second(self):\n    b = prepare_more()\n    check(b)\n    log(b)\n    return b\n"
    at = FILE.index("        check(b)") + 1
    assert merged(edit) == [*FILE[:at], "        log(b)", *FILE[at:]]


def test_a_marker_at_the_end_of_a_line_does_not_leak():
    edit = f"{KEEP}\n        check(b)  # ... existing code ...\n        log(b)\n        return b\n"
    at = FILE.index("        check(b)") + 1
    assert merged(edit) == [*FILE[:at], "        log(b)", *FILE[at:]]


def test_a_comment_on_a_deletion_is_not_written():
    edit = f"{KEEP}\n        b = prepare_more()\n        # ... removed ...\n        return b\n"
    assert merged(edit) == [line for line in FILE if "check" not in line]


def test_gaps_are_kept_under_markers_and_without():
    items = [GAP, *FILE[3:6], GAP, *FILE[8:], GAP]
    for between in (KEEP, ""):
        edit = f"        a = prepare(1)\n        return a\n{between}\n        check(b, 1)\n        return b"
        out = align(items, edit.splitlines(), "python")
        assert [item for item in out if item is GAP] == [GAP] * 3
        assert "        a = prepare(1)" in out
        assert "        check(b, 1)" in out


lines = st.sampled_from(["a = 1", "b = 2", "    c = 3", "", "}", KEEP, "# removed: x", "d = a"])


@given(st.lists(st.none() | lines, max_size=12), st.lists(lines, max_size=12))
def test_every_gap_survives_and_nothing_is_invented(items, edit):
    out = align(items, edit, "python")
    assert sum(item is GAP for item in out) == sum(item is GAP for item in items)
    known = {item.strip() for item in [*items, *edit] if item is not GAP}
    assert {item.strip() for item in out if item is not GAP} <= known


@given(st.lists(st.none() | lines, max_size=12), st.lists(lines, max_size=6), st.lists(lines, max_size=6))
def test_a_replacement_keeps_every_gap(items, search, replace):
    out = align_replacement(items, search, replace)
    assert sum(item is GAP for item in out) == sum(item is GAP for item in items)


@pytest.mark.parametrize("drift", ["    ", "  ", ""])
def test_an_inexact_search_block_keeps_the_files_own_lines(drift):
    search = [drift + "b = prepare_more()", drift + "check(b)"]
    replace = [drift + "b = prepare_more()", drift + "check(b)", drift + "log(b)"]
    at = FILE.index("        check(b)") + 1
    assert align_replacement(FILE, search, replace) == [*FILE[:at], "        log(b)", *FILE[at:]]
