import pytest

from applier.align.parse_check import MAX_LETTERS, Soundness
from applier.syntax.source_syntax import SourceSyntax
from applier.text.encoding import UTF8
from applier.text.source_text import SourceText
from applier.text.window import GAP, Window

LINES = ["def f():", "    return 1", "", "def g():", "    return 2"]
BROKEN = ["def f(:", "    return 1"]


def soundness(lines: list[str], window: Window, language: str | None, newline: str = "\n") -> Soundness:
    source = SourceText(newline.join(lines).encode(), UTF8)
    return Soundness(SourceSyntax(source, language), window)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_merge_that_breaks_the_file_is_not_sound(newline):
    sound = soundness(LINES, Window.whole(5), "python", newline)
    assert sound([*LINES, "", "x = 1"])
    assert not sound([*BROKEN, *LINES[2:]])


def test_the_whole_file_counts_and_not_the_window():
    window = Window(5, ((3, 5),))
    assert soundness(LINES, window, "python")([GAP, "def g():", "    pass"])
    assert not soundness(LINES, window, "python")([GAP, "def g(:"])
    window = Window(5, ((0, 2), (4, 5)))
    assert soundness(LINES, window, "python")(["def f():", "    pass", GAP, "    pass"])
    assert not soundness(LINES, window, "python")(["def f(:", "    pass", GAP, "    pass"])


def test_nothing_is_concluded_without_a_grammar_or_from_a_broken_or_large_file():
    for lines, language in ((LINES, None), (BROKEN, "python"), (["x = 1  #" + "-" * MAX_LETTERS], "python")):
        assert soundness(lines, Window.whole(len(lines)), language)(["def f(:"])
