from hypothesis import given
from hypothesis import strategies as st

from applier.merge.constraint import Constraint, KnownLines, known_lines
from applier.text.window import GAP
from tests.applier.tiny import codec

LINES = ["def add(a, b):", "def add(a):", "    return a", ""]


def constraint(items, lines=LINES) -> Constraint:
    return Constraint(KnownLines(codec(), lines), items)


def accepts(rule: Constraint, ids) -> bool:
    state = rule.start
    for id_ in ids:
        state = rule.follow(state, id_)
        if state is None:
            return False
    return True


@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_every_sequence_of_known_lines_is_allowed(lines):
    assert accepts(constraint(["x"]), codec().build_answer(lines))


@given(st.lists(st.sampled_from([*LINES, "unknown()", "def add(a, c):"]), min_size=1, max_size=6))
def test_nothing_else_is(lines):
    assert accepts(constraint(["x"]), codec().build_answer(lines)) == (set(lines) <= set(LINES))


def test_gaps_are_owed_once_each():
    rule = constraint(["", GAP, "", GAP, ""])
    assert accepts(rule, codec().build_answer(["", GAP, GAP]))
    assert not accepts(rule, codec().build_answer(["", GAP]))
    assert not accepts(rule, codec().build_answer([GAP, GAP, GAP]))


def test_nothing_stands_outside_an_outer_gap():
    rule = constraint([GAP, "", GAP])
    assert accepts(rule, codec().build_answer([GAP, "", "", GAP]))
    assert not accepts(rule, codec().build_answer(["", GAP, GAP]))
    assert not accepts(rule, codec().build_answer([GAP, GAP, ""]))
    assert rule.allowed(rule.start) == (codec().gap_id,)


def test_allowed_ids_are_ascending_and_among_the_choices():
    rule = constraint(["", GAP, ""])
    state = rule.start
    for id_ in codec().build_answer(["def add(a):", GAP, ""]):
        allowed = rule.allowed(state)
        assert list(allowed) == sorted(set(allowed))
        assert len(allowed) == 1 or set(allowed) <= set(rule.choices)
        state = rule.follow(state, id_)


def test_the_edits_lines_are_known_in_the_files_indentation():
    window = ["class A:", "    def f(self):", "        return 1"]
    shown = ["def f(self):", "    log()", "    return 1"]
    known = known_lines(window, shown, window)
    assert {"        log()", "    log()"} <= set(known)


def test_references_tell_the_indentation_too():
    known = known_lines(["\tif x:", "\t\ty()"], ["  z()"], [], references=["if x:"])
    assert "\t  z()" in known


@given(st.lists(st.text("ab (:", max_size=5), min_size=1, max_size=8))
def test_branches_are_where_known_lines_part(lines):
    known = KnownLines(codec(), lines)
    ids = {codec().encode_line(line) for line in lines}
    for line in ids:
        expected = []
        for depth in range(1, len(line)):
            after = sorted({other[depth] for other in ids if other[:depth] == line[:depth]})
            if len(after) > 1:
                expected.append((depth, tuple(after)))
        assert known.branches(line) == expected
        for depth in range(len(line)):
            assert known.node(line[:depth]).allowed == tuple(
                sorted({other[depth] for other in ids if other[:depth] == line[:depth]})
            )
    assert known.branches(codec().encode_line("unknown")) is None
