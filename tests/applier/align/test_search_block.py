import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.align.search_block import SearchMatch
from applier.text.window import GAP

FILE = """class Thing:
    def second(self):
        b = prepare_more()
        check(b)
        return b
""".splitlines()
SEARCH = ["b = prepare_more()", "check(b)"]

lines = st.sampled_from(["a = 1", "b = 2", "    c = 3", "", "}", "# ... existing code ...", "d = a"])


@pytest.mark.parametrize("drift", ["    ", "  ", ""])
def test_an_inexact_search_block_keeps_the_files_own_lines(drift):
    search = [drift + line for line in SEARCH]
    out = SearchMatch.of(FILE, search).replaced([*search, drift + "log(b)"])
    assert out == [*FILE[:4], "        log(b)", *FILE[4:]]


def test_new_lines_take_the_indentation_of_their_level_in_the_file():
    file = ["int f(void)", "{", "    if (end == text)", "        return -1;", "}"]
    search = ["\tif (end == text)", "\t\treturn -1;"]
    replace = ["\tif (end == text) {", "\t\treturn -2;", "\t}"]
    out = SearchMatch.of(file, search).replaced(replace)
    assert out == [*file[:2], "    if (end == text) {", "        return -2;", "    }", "}"]


@given(st.lists(st.none() | lines, max_size=12), st.lists(lines, max_size=6), st.lists(lines, max_size=6))
def test_a_replacement_keeps_every_gap(items, search, replace):
    out = SearchMatch.of(items, search).replaced(replace)
    assert sum(item is GAP for item in out) == sum(item is GAP for item in items)


@pytest.mark.parametrize(
    ("search", "changed", "missing"),
    [
        (SEARCH, (0, 1), None),
        (["b = prepare_mor()", "check(b)"], (0, 1), None),
        (["something_else(entirely)", "check(b)"], (0, 1), 0),
        (["b = prepare_more(1)"], (0, 1), None),
        (["result = compute()"], (0, 1), 0),
        (["def third(self):"], (0, 1), 0),
        (["def third(self):", "check(b)"], (0, 1), 0),
        (["def Second(self):", "b = prepare_more();"], (0, 1), None),
        (["def secon(self):", "b = prepare_more()"], (0, 1), None),
        (["def secondly(self):", "b = prepare_more()"], (0, 1), 0),
        (["def second2(self):", "b = prepare_more()"], (0, 1), 0),
        (["RETURN b;"], (0, 1), None),
    ],
)
def test_a_search_text_that_is_not_there_is_noticed(search, changed, missing):
    assert SearchMatch.of(FILE, search).missing_line(*changed) == missing


def test_a_place_with_a_rival_is_trusted_less():
    match = SearchMatch.of(FILE, ["b = prepare_mor()", "check(b)"])
    assert match.odds(100) > match.odds(0)
