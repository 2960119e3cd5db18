from applier.merge.proposal_path import Guide
from applier.text.window import GAP
from tests.applier.tiny import codec

PROPOSAL = ["a = 1", "}", "b = 2", GAP, "}", "c = 3"]


def place_after(*items):
    guide = Guide(codec(), PROPOSAL)
    place = guide.start
    for id_ in codec().encode_items(items):
        place = guide.follow(place, id_)
    return guide, place


def rest(guide, place) -> list[int]:
    out = []
    while (id_ := guide.expected(place)) is not None:
        out.append(id_)
        place = guide.follow(place, id_)
    return out


def test_on_the_proposal_every_next_id_is_known():
    guide = Guide(codec(), PROPOSAL)
    assert rest(guide, guide.start) == codec().build_answer(PROPOSAL)


def test_another_line_loses_the_place_and_a_line_that_stands_once_finds_it():
    guide, place = place_after("a = 1", "new()")
    assert guide.expected(place) is None
    guide, place = place_after("a = 1", "new()", "b = 2")
    assert rest(guide, place) == codec().build_answer(PROPOSAL[3:])


def test_a_line_that_stands_twice_finds_no_place_alone():
    guide, place = place_after("new()", "}")
    assert guide.expected(place) is None
    guide, place = place_after("new()", "}", "b = 2")
    assert rest(guide, place) == codec().build_answer(PROPOSAL[3:])


def test_a_left_out_line_moves_the_place_on():
    guide, place = place_after("a = 1", "b = 2")
    assert rest(guide, place) == codec().build_answer(PROPOSAL[3:])


def test_the_place_never_moves_back():
    guide, place = place_after("a = 1", "}", "b = 2", GAP, "a = 1")
    assert guide.expected(place) is None


def test_two_lines_that_stand_twice_find_the_place_further_down():
    proposal = ["a = 1", "b = 2", "c = 3", "d = 4", "a = 1", "b = 2", "e = 5"]
    guide = Guide(codec(), proposal)
    place = guide.start
    for id_ in codec().encode_items(["a = 1", "b = 2", "c = 3", "new()", "a = 1", "b = 2"]):
        place = guide.follow(place, id_)
    assert rest(guide, place) == codec().build_answer(["e = 5"])
