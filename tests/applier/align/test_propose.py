from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from applier.align.propose import align, propose
from applier.text.window import GAP

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


def test_odds_fall_where_the_place_is_not_clear():
    clear = f"{KEEP}\n        check(b)\n        log(b)\n        return b\n"
    vague = f"{KEEP}\n        c = other()\n        return c\n{KEEP}"
    odds = [propose(FILE, edit.splitlines(), "python").odds for edit in (clear, vague)]
    assert odds[0] > odds[1]


def test_a_changed_signature_replaces_the_old_one():
    edit = f"class Thing:\n    {KEEP}\n    def second(self, limit: int) -> int:\n"
    edit += f"        b = prepare_more(limit)\n        {KEEP}"
    assert merged(edit) == [
        line.replace("second(self)", "second(self, limit: int) -> int").replace("more()", "more(limit)")
        for line in FILE
    ]


def test_a_new_method_beside_a_similar_one_does_not_replace_it():
    edit = f"{KEEP}\n        return a\n\n    def third(self):\n        c = prepare()\n        return c\n\n"
    edit += f"    def second(self):\n        {KEEP}"
    at = FILE.index("    def second(self):")
    new = ["    def third(self):", "        c = prepare()", "        return c", ""]
    assert merged(edit) == [*FILE[:at], *new, *FILE[at:]]


def test_a_blank_line_between_a_marker_and_new_code_is_not_doubled():
    edit = f"{KEEP}\n\n    def third(self):\n        return 3\n"
    out = merged(edit, [*FILE, ""])
    assert not any(a == b == "" for a, b in pairwise(out))
    assert "    def third(self):" in out


def test_a_proposal_is_sound_where_some_reading_is():
    edit = f"{KEEP}\n        c = other()\n        return c\n{KEEP}".splitlines()
    free = propose(FILE, edit, "python").items
    held = propose(FILE, edit, "python", sound=lambda merged: merged != free).items
    assert held != free
    assert propose(FILE, edit, "python", sound=lambda merged: False).items == free


def test_a_window_of_gaps_alone_is_kept():
    assert propose([GAP], ["a = 1"], "python").items == [GAP]
