"""The test of sameness under load, on a tiny model; and that it can fail."""

import pytest

from applier.pipeline import Applier
from applier.types import Tier
from evals.bench.identical import VariedEngine, bench_identical, requests_of


@pytest.fixture(scope="module")
def applier(tiny_folder) -> Applier:
    return Applier.from_model_dir(tiny_folder, "cpu")


@pytest.fixture(scope="module")
def edits(load):
    return load.of_tier(Tier.MODEL).edits


def row(applier, edits, cpu=None, **more):
    assert applier.info is not None
    assert applier.engine is not None
    settings = {"identical": 12, "others": 6, "threads": 4, "on_cpu": 3} | more
    return bench_identical(applier.info, applier.engine, cpu or (lambda: applier), edits, **settings)


def test_equal_requests_have_one_answer_and_one_hash_of_their_logits(applier, edits):
    found = row(applier, edits)
    assert (found["distinct_results_of_identical"], found["distinct_logits_of_identical"]) == (1, 1)
    assert (found["compared_with_cpu"], found["differ_from_cpu"]) == (3, 0)
    assert found["logits_sha256"][0][0]
    assert found["steps"] > 0


def test_a_model_that_depends_on_its_passes_is_found_out(applier, edits, monkeypatch):
    real, calls = VariedEngine.task, []

    def task(self, plan, hash_logits=False):
        made = real(self, plan, hash_logits)
        calls.append(plan)
        made.prompt[1] = made.prompt[len(calls) % 2]
        return made

    monkeypatch.setattr(VariedEngine, "task", task)
    assert row(applier, edits, on_cpu=0)["distinct_logits_of_identical"] > 1


def test_requests_are_as_many_as_asked_for_and_the_others_all_different(edits):
    asked = requests_of(edits, 5, 7, seed=1)
    keys = [key for key, _, _ in asked]
    assert keys.count(edits[0].case.id) == 5
    assert len(set(keys)) == 1 + 7
    assert asked == requests_of(edits, 5, 7, seed=1) != requests_of(edits, 5, 7, seed=2)
