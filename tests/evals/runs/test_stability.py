import json

import pytest

from evals.cases.chains import load_chains
from evals.measure.chain import run_chains
from evals.measure.stability import choose, run_stability
from evals.runs.config import ChainConfig, StabilityConfig
from evals.runs.subjects import open_applier, open_baseline, provenance_of
from tests.evals.small import LAZY


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_folder):
    out = tmp_path_factory.mktemp("stability") / "run"
    config = StabilityConfig(out=out, model=tiny_folder, edits=3, repeats=3, batch=3, max_tokens=4000)
    cases = choose(open_applier(tiny_folder, threads=1), LAZY, config)
    return config, cases, run_stability(config, cases, provenance_of(tiny_folder))


def test_results_and_logits_are_one_in_every_condition(finished):
    config, cases, summary = finished
    (bucket,) = summary.buckets
    assert set(bucket.scores["edits"]) == {case.id for case in cases}
    for edit in bucket.scores["edits"].values():
        assert edit == {"n": 12, "distinct_results": 1, "distinct_diffs": 1, "distinct_logits": 1}
    assert bucket.scores["edit_stability"] == 1.0
    rounds = [json.loads(line) for line in (config.out / "samples.jsonl").read_text().splitlines()]
    assert {(r["threads"], r["mode"]) for r in rounds} == {
        (threads, mode) for threads in (1, 2) for mode in ("alone", "mixed batches")
    }
    assert all(result["logits"] for r in rounds for result in r["results"].values())


def test_one_differing_logit_is_seen(finished, tiny_folder):
    config, cases, _ = finished
    path = config.out / "samples.jsonl"
    lines = path.read_text().splitlines()
    sample = json.loads(lines[-1])
    sample["results"][cases[0].id]["logits"] = ["0" * 64]
    path.write_text("\n".join([*lines[:-1], json.dumps(sample)]) + "\n")
    (bucket,) = run_stability(config, cases, provenance_of(tiny_folder)).buckets
    assert bucket.scores["unstable_edits"] == 1
    assert bucket.scores["edits"][cases[0].id]["distinct_logits"] == 2
    assert bucket.scores["edits"][cases[0].id]["distinct_results"] == 1


def test_too_few_edits_for_the_model_is_an_error(tmp_path, tiny_folder):
    config = StabilityConfig(out=tmp_path, model=tiny_folder, edits=3, repeats=1, max_tokens=1)
    with pytest.raises(ValueError, match="only 0 of 5 cases"):
        choose(open_applier(tiny_folder, threads=1), LAZY[:5], config)


def test_chains_have_ten_steps_that_the_baseline_mostly_walks(tmp_path, tiny_folder):
    chains = load_chains()
    assert all(len(chain.steps) == 10 for chain in chains)
    config = ChainConfig(out=tmp_path, model=tiny_folder, repeats=2)
    subject = open_baseline(tiny_folder)
    summary = run_chains(config, chains, subject, provenance_of(tiny_folder))
    (bucket,) = summary.buckets
    for chain in bucket.scores["chains"].values():
        assert chain["distinct_endings"] == 1
        assert chain["steps"] == 10
        assert chain["repeats"] == 2
    assert max(chain["steps_right"] for chain in bucket.scores["chains"].values()) >= 5
