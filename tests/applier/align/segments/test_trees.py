"""Boosted trees in integers against a walk of each tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from applier.align.segments.ranker import Ranker
from applier.align.segments.trees import Trees

TREES = Trees.from_json(
    {
        "names": ["a", "b"],
        "roots": [0, 2, ~4],
        "feature": [0, 1, 1],
        "threshold": [3, -2, 7],
        "left": [1, ~0, ~2],
        "right": [~1, ~3, ~3],
        "values": [10, -200, 3000, 40000, 5],
    }
)


def walk(trees: Trees, row: dict[str, int]) -> int:
    total = 0
    for at in trees.roots.tolist():
        while at >= 0:
            left = row[trees.names[trees.feature[at]]] <= trees.threshold[at]
            at = int((trees.left if left else trees.right)[at])
        total += int(trees.values[~at])
    return total


@given(st.lists(st.fixed_dictionaries({"a": st.integers(-9, 9), "b": st.integers(-9, 9)}), max_size=6))
def test_every_row_has_the_sum_of_its_leaves(rows: list[dict[str, int]]) -> None:
    assert TREES.score(rows) == [walk(TREES, row) for row in rows]


def test_a_threshold_is_part_of_its_left_side() -> None:
    assert TREES.score([{"a": 3, "b": -2}]) == [10 + 3000 + 5]
    assert TREES.score([{"a": 4, "b": 8}]) == [-200 + 40000 + 5]


def test_the_shipped_trees_are_whole() -> None:
    for trees in (Ranker.default().choice, Ranker.default().trust):
        nodes, leaves = len(trees.feature), len(trees.values)
        for links in (trees.roots, trees.left, trees.right):
            assert all(-leaves <= link < nodes for link in links.tolist())
        assert len(set(trees.names)) == len(trees.names)
        assert max(trees.feature.tolist()) < len(trees.names)
        row = dict.fromkeys(trees.names, 1)
        assert trees.score([row, row]) == [walk(trees, row)] * 2
