from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import changed_elsewhere, leaked_placeholders

ORIGINAL = b"".join(b"line_%d = %d\n" % (n, n) for n in range(40))
EXPECTED = ORIGINAL.replace(b"line_5 = 5\n", b"line_5 = 50\n")


def test_the_right_answer_and_no_answer_have_no_side_effects():
    for result in (EXPECTED, ORIGINAL):
        assert changed_elsewhere(ORIGINAL, EXPECTED, result) == 0
        assert leaked_placeholders(ORIGINAL, EXPECTED, result, "python") == 0


def test_a_wrong_line_at_the_place_of_the_edit_is_wrong_but_not_elsewhere():
    result = ORIGINAL.replace(b"line_5 = 5\n", b"line_5 = 51\n")
    assert changed_elsewhere(ORIGINAL, EXPECTED, result) == 0


def test_changes_far_from_the_edit_are_counted_one_by_one():
    result = EXPECTED.replace(b"line_20 = 20\n", b"").replace(b"line_30 = 30\n", b"line_30 = 30\nx = 1\n")
    assert changed_elsewhere(ORIGINAL, EXPECTED, result) == 2


def test_the_edit_put_in_the_wrong_place_is_a_change_elsewhere():
    assert changed_elsewhere(ORIGINAL, EXPECTED, ORIGINAL.replace(b"line_25 = 25\n", b"line_5 = 50\n")) == 1


def test_a_line_end_changed_far_away_counts():
    assert (
        changed_elsewhere(ORIGINAL, EXPECTED, EXPECTED.replace(b"line_30 = 30\n", b"line_30 = 30\r\n")) == 1
    )


def test_a_placeholder_is_counted_unless_the_file_had_it():
    marker = b"# ... existing code ...\n"
    assert leaked_placeholders(ORIGINAL, EXPECTED, EXPECTED + marker, "python") == 1
    assert leaked_placeholders(marker + ORIGINAL, EXPECTED, EXPECTED + marker, "python") == 0
    assert leaked_placeholders(ORIGINAL, EXPECTED + marker, b"a = 1\n" + marker, "python") == 0


@given(st.integers(0, 39))
def test_one_line_lost_is_elsewhere_exactly_when_it_is_far(line):
    lines = EXPECTED.splitlines(keepends=True)
    del lines[line]
    far = abs(line - 5) > 4
    assert (changed_elsewhere(ORIGINAL, EXPECTED, b"".join(lines)) > 0) == far
