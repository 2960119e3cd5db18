from applier.merge.drafts import Drafter
from applier.text.window import GAP
from tests.applier.tiny import codec

WINDOW = ["a = 1", "b = 2", "c = 3", GAP, "d = 4", "e = 5"]
PROPOSAL = ["a = 1", "x = 9", "c = 3", GAP, "d = 4", "e = 5"]
EDIT = ["a = 1", "y = 8", "z = 7", None, "e = 5"]


def ids(*items) -> list[int]:
    return codec().encode_items(items)


def drafter() -> Drafter:
    return Drafter(codec(), PROPOSAL, WINDOW, EDIT)


def test_the_first_draft_is_the_proposal():
    assert drafter().first() == codec().build_answer(PROPOSAL)


def test_a_draft_goes_on_in_the_window_after_its_line():
    assert drafter().next(ids("a = 1", "b = 2")) == codec().build_answer(WINDOW[2:])


def test_a_draft_goes_on_in_the_edit_and_stops_at_a_marker():
    assert drafter().next(ids("a = 1", "y = 8")) == ids("z = 7")


def test_a_line_begun_is_finished_first():
    whole = ids("y = 8")
    assert drafter().next([*ids("a = 1"), *whole[:1]])[: len(whole) - 1] == whole[1:]


def test_the_longest_context_wins():
    repeated = Drafter(codec(), ["}", "a = 1", "}", "b = 2"], ["b = 2"], [])
    assert repeated.next(ids("a = 1", "}")) == codec().build_answer(["b = 2"])


def test_there_may_be_no_draft():
    assert drafter().next(ids("unheard of")) == []
