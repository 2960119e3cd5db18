"""What must hold for any merge, however bad: here for the aligner's, which is sure of everything it says."""

import pytest

from applier.types import Status, Tier
from evals.cases import Category
from evals.cases.written import load_written
from evals.runs.subjects import open_baseline

CASES = load_written()


@pytest.fixture(scope="module")
def baseline(tiny_folder):
    return open_baseline(tiny_folder)


def test_a_refused_edit_leaves_every_byte(baseline):
    refused = 0
    for case in CASES:
        result = baseline.apply(case.request())
        if result.status is not Status.APPLIED:
            assert result.content == case.original, case.id
            refused += result.status is Status.REFUSED
    assert refused > 50


def test_a_part_that_finds_no_place_holds_back_the_others(baseline):
    hunks = [c for c in CASES if c.category is Category.PARTIAL_APPLICATION and not c.id.endswith("/partial")]
    assert len(hunks) == 8
    for case in hunks:
        result = baseline.apply(case.request())
        assert result.status is Status.REFUSED, case.id
        assert result.content == case.original


def test_an_approximate_match_is_never_called_exact(baseline):
    nearly = [case for case in CASES if case.not_exact]
    assert len(nearly) >= 8
    for case in nearly:
        result = baseline.apply(case.request())
        assert result.status is Status.REFUSED or result.tier is not Tier.EXACT, case.id
