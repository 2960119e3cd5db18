from applier.text import line_cache as line_facts
from applier.text.line_cache import of_line


def test_a_fact_is_asked_for_once_and_long_lines_are_not_kept(monkeypatch):
    monkeypatch.setattr(line_facts, "LONGEST", 5)
    asked: list[str] = []

    @of_line
    def length(line: str) -> int:
        asked.append(line)
        return len(line)

    assert [length(line) for line in ("ab", "ab", "abcdef", "abcdef")] == [2, 2, 6, 6]
    assert asked == ["ab", "abcdef", "abcdef"]


def test_the_oldest_facts_go_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(line_facts, "MOST_LINES", 4)
    asked: list[str] = []

    @of_line
    def length(line: str) -> int:
        asked.append(line)
        return len(line)

    for line in ("a", "b", "c", "d", "e", "d", "a"):
        assert length(line) == 1
    assert asked == ["a", "b", "c", "d", "e", "a"]
