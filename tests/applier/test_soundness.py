from applier.soundness import MAX_LETTERS, Soundness
from applier.window import GAP, Window

LINES = ["def f():", "    return 1", "", "def g():", "    return 2"]
BROKEN = ["def f(:", "    return 1"]


def test_a_merge_that_breaks_the_file_is_not_sound():
    sound = Soundness(LINES, Window.whole(5), "python")
    assert sound([*LINES, "", "x = 1"])
    assert not sound([*BROKEN, *LINES[2:]])


def test_the_whole_file_counts_and_not_the_window():
    window = Window(5, ((3, 5),))
    assert Soundness(LINES, window, "python")([GAP, "def g():", "    pass"])
    assert not Soundness(LINES, window, "python")([GAP, "def g(:"])


def test_nothing_is_concluded_without_a_grammar_or_from_a_broken_or_large_file():
    for lines, language in ((LINES, None), (BROKEN, "python"), (["x = 1  #" + "-" * MAX_LETTERS], "python")):
        assert Soundness(lines, Window.whole(len(lines)), language)(["def f(:"])
