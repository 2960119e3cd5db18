import numpy as np

from applier.align.costs import Costs
from applier.align.input import Scene
from applier.align.similarity import LOW, Likeness
from applier.text.window import GAP

ITEMS = ["def first(self):", GAP, "    total = one", "", "}"]


def likeness(*edit: str) -> Likeness:
    return Likeness.of(Scene.of(ITEMS, list(edit), "python", {}))


def test_lines_are_compared_without_white_space_around_them():
    found = likeness("total = one", "    total = one", "")
    assert found.same[0, 2]
    assert not found.same_indent[0, 2]
    assert found.same_indent[1, 2]
    assert found.same[2].tolist() == [False, False, False, True, False]


def test_case_does_not_make_lines_less_similar():
    assert likeness("TOTAL = ONE").similar[0, 2] == 100
    assert not likeness("TOTAL = ONE").same[0, 2]


def test_names_and_targets_tell_changed_lines():
    found = likeness("def first(self, limit):", "def second(self):", "total = something(quite, different)")
    assert found.same_head[0, 0]
    assert not found.renamed[0, 0]
    assert found.renamed[1, 0]
    assert not found.same_head[1, 0]
    assert found.same_head[2, 2]


def test_nothing_matches_a_gap_and_costs_price_the_rest():
    points = likeness("total = one", "}", "unlike everything").points(Costs())
    assert (points[:, 1] == LOW).all()
    assert points[0, 2] == 10 + 8 // 4 - 6
    assert points[1, 4] == 4
    assert (points[2] == LOW).all()
    renamed = likeness("def second(self):").points(Costs(renamed_floor=101))
    assert renamed[0, 0] == LOW


def test_an_empty_edit_or_window_has_empty_matrices():
    assert likeness().points(Costs()).shape == (0, 5)
    assert Likeness.of(Scene.of([], ["a"], None, {})).points(Costs()).shape == (1, 0)
    assert likeness().similar.dtype == np.uint8
