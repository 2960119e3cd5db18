"""What a window keeps besides the lines that the edit shows: one test for each rule."""

from applier.locate.locator import locate
from applier.text.window import Window
from applier.types import Refusal

KEEP = "# ... existing code ..."


def functions(count: int, first: int = 0) -> list[str]:
    """Definitions of six lines, no two with a line of words in common."""
    lines: list[str] = []
    for n in range(first, first + count):
        lines += [f"def function_{n}(value):", f"    first_{n} = compute_{n}(value)"]
        lines += [f"    second_{n} = compare_{n}(value)", f"    return finish_{n}(value)", "", ""]
    return lines


def window_of(lines: list[str], edit: list[str]) -> Window:
    window = locate(lines, edit, "python")
    assert not isinstance(window, Refusal), window
    return window


def kept(lines: list[str], edit: list[str], *wanted: str) -> bool:
    """Whether the window keeps all of these lines of the file."""
    window = window_of(lines, edit)
    numbers = {number for start, end in window.ranges for number in range(start, end)}
    return all(lines.index(line) in numbers for line in wanted)


def test_a_line_that_moves_is_kept_where_it_stood():
    """It is in no order with the rest of the edit; the merge has to take it away there."""
    lines = functions(60)
    moved = "    first_5 = compute_5(value)"
    edit = [KEEP, *functions(1, 40)[:3], moved, functions(1, 40)[3], KEEP]
    assert kept(lines, edit, "    first_40 = compute_40(value)", moved)


def test_a_place_that_fits_nearly_as_well_is_kept_too():
    """Which of two is meant is left to the merge."""
    shared = [f"    step_{n} = transform_{n}(value, options)" for n in range(8)]
    lines = [*functions(20), "def run():", *shared, *functions(20, 20), "def rerun():", *shared]
    lines += functions(20, 40)
    lines.insert(lines.index("def run():") + 9, "    stop()")
    edit = [KEEP, *shared, "    log(value)", "    stop()", KEEP]
    assert kept(lines, edit, "def run():", "def rerun():")


def test_outer_lines_of_a_chunk_say_more_of_its_place_than_inner_ones():
    """Those are context; what is between may be new code that is like code elsewhere."""
    body = [f"    old_{n} = value" for n in range(40)]
    elsewhere = ["        like(a)", "        some(b)", "        code(c)"]
    lines = [*functions(20), "def head(a):", "    open(a)", *body, "    shut(a)", "    done(a)", "", ""]
    lines += functions(20, 20)
    lines[6 * 4 + 3 : 6 * 4 + 3] = elsewhere
    new = [line.removeprefix("    ") for line in elsewhere]
    edit = [KEEP, "def head(a):", "    open(a)", *new, "    shut(a)", "    done(a)", KEEP]
    assert kept(lines, edit, "def head(a):", "    open(a)", "    shut(a)", "    done(a)")
    assert not kept(lines, edit, elsewhere[0])


def test_a_chunk_out_of_the_files_order_is_kept_where_it_stands():
    lines = [*functions(20), "def early():", "    a(1)", "    b(2)", "    c(3)", "", "", *functions(40, 20)]
    edit = [KEEP, *functions(1, 50)[:4], KEEP, "    a(1)", "    b(20)", "    c(3)", KEEP]
    assert kept(lines, edit, "    first_50 = compute_50(value)", "    b(2)")


def test_an_edit_without_a_marker_reaches_the_end_of_the_file_that_is_near():
    lines = functions(40)
    near, far = functions(1, 36), functions(1, 20)
    for whole, out in ((near, True), (far, False)):
        window = window_of(lines, [KEEP, *whole[:2], "    log(value)"])
        assert (window.ranges[-1][1] == len(lines)) is out


def test_an_edit_without_a_marker_reaches_the_start_of_the_file_that_is_near():
    lines = functions(40)
    near, far = functions(1, 4), functions(1, 20)
    for whole, out in ((near, True), (far, False)):
        window = window_of(lines, ["    log(value)", *whole[2:4], KEEP])
        assert (window.ranges[0][0] == 0) is out
