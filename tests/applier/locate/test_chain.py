"""Chains of anchors: every way of sweeping over them gives the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.locate.anchors import Anchor
from applier.locate.chain import best_chain
from applier.locate.chain_scores import CompiledSweeps, known_links, sweep_by_groups, trusted_sweeps

anchors = st.builds(Anchor, st.integers(0, 9), st.integers(0, 60), st.integers(1, 500))


def chain(candidates, chunk_of=(0,) * 10, indents=(0,) * 10, compiled=True):
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr("applier.locate.chain.trusted_sweeps", lambda: None)
        return best_chain(candidates, chunk_of, indents, lambda line: line + 5)


def test_the_chain_takes_the_near_place_and_knows_the_best_one_through_each_anchor():
    near = [Anchor(0, 10, 100), Anchor(1, 11, 100), Anchor(2, 12, 100)]
    found = chain([*near, Anchor(1, 40, 100)])
    assert found.anchors == near
    assert found.score == 300
    assert dict(zip(found.candidates, found.through, strict=True))[Anchor(1, 40, 100)] < 300
    assert chain([]).anchors == []


@given(
    st.lists(anchors, max_size=40, unique_by=lambda anchor: (anchor.edit, anchor.line)),
    st.lists(st.integers(0, 2), min_size=10, max_size=10).map(sorted),
    st.lists(st.sampled_from([-1, 0, 4, 8]), min_size=10, max_size=10),
)
def test_compiled_and_in_numpy_and_with_little_memory_it_is_one_chain(candidates, chunk_of, indents):
    found = chain(candidates, chunk_of, indents)
    assert chain(candidates, chunk_of, indents, compiled=False) == found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("applier.locate.chain_scores.MOST_AT_ONCE", 0)
        assert chain(candidates, chunk_of, indents, compiled=False) == found


def test_sweeps_that_give_other_scores_are_not_trusted(monkeypatch, caplog):
    if trusted_sweeps() is None:
        pytest.skip("no C compiler")
    real = CompiledSweeps.sweep

    def wrong(self, links):
        found = real(self, links)
        return found._replace(forward=found.forward + 1)

    monkeypatch.setattr(CompiledSweeps, "sweep", wrong)
    assert trusted_sweeps.__wrapped__() is None
    assert "fails known answers" in caplog.text


def test_known_anchors_take_every_way():
    links = known_links()
    found = [sweep_by_groups(one) for one in links]
    assert any((one.previous >= 0).any() for one in found)
    assert any((one.ends >= 0).any() and (one.ends < 0).any() for one in links)
    assert any(len(np.unique(one.chunk)) > 1 for one in links)
