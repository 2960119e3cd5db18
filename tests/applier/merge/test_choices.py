"""Decisions of a whole stretch along the proposal are those taken step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.align.propose import align
from applier.merge.choices import AlongCourse, Decisions, StepByStep
from applier.merge.constraint import Constraint, KnownLines, known_lines
from applier.merge.proposal_path import Course, Guide
from applier.text.window import GAP
from tests.applier.tiny import codec

WINDOWS = [
    ["import os", GAP, "def add(a, b):", "    return a + b", "", "class Thing:", "    value = 0", GAP],
    [GAP, "    return a + b", "    return a", "", "", GAP, "    return b"],
    ["x", "x", "x = 1"],
]
EDIT = ["def add(a, b, c):", "    return a + b + c", ""]


def parts(number: int) -> tuple[Constraint, Guide, list[int]]:
    window = WINDOWS[number]
    proposal = align(window, EDIT, "python")
    constraint = Constraint(KnownLines(codec(), known_lines(window, EDIT, proposal)), window)
    guide = Guide(codec(), proposal)
    return constraint, guide, [id_ for unit in guide.units for id_ in unit]


def decide(decisions: Decisions, ids: list[int], logits: np.ndarray, cuts: list[int]) -> list[int]:
    """Writes up to `ids` tokens, in passes of `cuts` positions drafted from `ids` while they come true."""
    written: list[int] = []
    for cut in cuts:
        draft = ids[len(written) :] if written == ids[: len(written)] else []
        rows = min(cut, len(draft)) or 1
        ahead = decisions.ahead(draft, rows, len(written))
        choices = ahead.choices(0, len(ahead))
        written += ahead.take(0, len(ahead), logits[len(written) + choices])
        if written[-1] == ids[-1] or len(written) + 1 >= len(logits):
            break
    return written


def outcome(decisions: Decisions):
    return decisions.sha256, decisions.margin, decisions.weakest, decisions.count, decisions.departure


@given(
    st.sampled_from(range(len(WINDOWS))),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 1.5, 3.0, 1e30]),
    st.lists(st.integers(1, 60), min_size=1, max_size=40),
    st.booleans(),
)
def test_along_the_course_and_step_by_step_are_the_same(number, seed, bias, cuts, coarse):
    constraint, guide, ids = parts(number)
    logits = np.random.default_rng(seed).normal(size=(len(ids) + 40, len(constraint.choices)))
    logits = np.round(logits) if coarse else logits  # coarse: many ties
    logits = logits.astype(np.float32)
    together, single = (Decisions(constraint, guide, bias, True) for _ in range(2))
    single.leave_course(0)
    assert decide(together, ids, logits, cuts) == decide(single, ids, logits, cuts)
    assert outcome(together) == outcome(single)


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_the_course_is_the_whole_proposal_and_is_left_at_the_first_other_token(number):
    constraint, guide, ids = parts(number)
    assert Course(constraint, guide).ids == ids
    decisions = Decisions(constraint, guide, 0.0, False)
    ahead = decisions.ahead(ids, len(ids), 0)
    assert isinstance(ahead, AlongCourse)
    logits = np.random.default_rng(1).normal(size=(len(ids), len(constraint.choices))).astype(np.float32)
    tokens = ahead.take(0, len(ahead), logits[ahead.choices(0, len(ahead))])
    assert tokens != ids[: len(tokens)]
    assert tokens[:-1] == ids[: len(tokens) - 1]
    assert isinstance(decisions.ahead([], 1, len(tokens)), StepByStep)
