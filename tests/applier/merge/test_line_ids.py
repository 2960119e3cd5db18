from applier.merge import prompt as line_ids
from applier.merge.prompt import LineIds
from tests.applier.tiny import codec

LINES = ["def add(a, b):", "", "    return a + b", "é = '\t'", "x" * 100, "a", "b", "c", "d"]


def fresh() -> LineIds:
    known = codec()
    return LineIds(known._tokenizer, known.vocab_size)


def test_lines_learnt_together_have_the_ids_of_lines_asked_for_alone():
    together, alone = fresh(), fresh()
    together.learn([*LINES, *LINES])
    assert list(together) == LINES
    assert [together[line] for line in LINES] == [alone[line] for line in LINES]
    assert codec().text_of(alone[LINES[0]]) == LINES[0] + "\n"


def test_what_is_kept_is_bounded_and_what_is_gone_comes_again(monkeypatch):
    monkeypatch.setattr(line_ids, "MOST_LINES", 4)
    small, expected = fresh(), fresh()
    for line in LINES * 2:
        assert small[line] == expected[line]
        assert len(small) <= 4
    monkeypatch.setattr(line_ids, "MOST_LETTERS", 40)
    small = fresh()
    for line in LINES:
        assert small[line] == expected[line]
    assert "x" * 100 not in small
    assert sum(map(len, small)) <= 60
