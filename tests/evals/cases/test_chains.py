"""Every chain's blocks, diffs and patches are right, whatever became of its snippets before."""

from __future__ import annotations

from itertools import pairwise

import pytest

from applier import Applier
from applier.types import EditFormat, EditRequest
from evals.cases.chains import Chain, load_chains

CHAINS = load_chains()
UNREADY = pytest.mark.xfail(strict=False, reason="a snippet's new member takes the place of its neighbour")


def test_there_are_twelve_chains_of_ten_steps_in_twelve_languages() -> None:
    assert len(CHAINS) == len({chain.language for chain in CHAINS}) == 12
    assert {len(chain.steps) for chain in CHAINS} == {10}
    for chain in CHAINS:
        ends = [chain.start, *(step.expected for step in chain.steps)]
        assert all(before != after for before, after in pairwise(ends))


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_the_parts_of_a_chain_need_no_model(chain: Chain) -> None:
    content = chain.start
    for number, step in enumerate(chain.steps, 1):
        if step.format is not EditFormat.LAZY:
            request = EditRequest(content, step.edit, chain.path, chain.language, step.format)
            assert (number, Applier.without_model().apply(request).content) == (number, step.expected)
        content = step.expected


@pytest.mark.parametrize(
    "chain",
    [pytest.param(c, marks=UNREADY if c.id in ("limiter", "pool") else ()) for c in CHAINS],
    ids=lambda chain: chain.id,
)
def test_a_chain_ends_right(chain: Chain) -> None:
    applier = Applier.from_default()
    if applier.info is None:
        pytest.skip("no model is installed")
    content = chain.start
    for number, step in enumerate(chain.steps, 1):
        request = EditRequest(content, step.edit, chain.path, chain.language, step.format)
        content = applier.apply(request).content
        assert (number, content) == (number, step.expected)
