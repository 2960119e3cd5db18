import json
from dataclasses import replace

import pytest

from applier.types import EditFormat, RefusalReason
from evals.cases import Case, Category
from evals.measure.accuracy import run_accuracy
from evals.measure.compare import NotComparable, compare, sign_test
from evals.measure.history import History, reference_cases
from evals.measure.score import Outcome, score
from evals.measure.summary import load_summary
from evals.runs.config import AccuracyConfig
from evals.runs.store import RunMismatch
from evals.runs.subjects import open_baseline, provenance_of
from tests.evals.small import EXACT, LAZY

CASES = [*EXACT, *LAZY[:2]]


def run(out, tiny_folder, cases=CASES, **more):
    config = AccuracyConfig(out=out, model=tiny_folder, threads=1, **more)
    return run_accuracy(config, cases, provenance_of(tiny_folder))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_folder):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, run(out, tiny_folder, repeats=2)


def test_exact_edits_are_exact_whatever_the_model(finished):
    (bucket,) = finished[1].buckets
    by_tier = bucket.scores["by_tier"]
    assert by_tier["exact"]["rate"] == 1.0
    assert by_tier["exact"]["n"] > 10
    assert bucket.repeats == 2
    assert bucket.n == 2 * len(CASES)
    assert bucket.unscored == 0


def test_the_baseline_is_scored_beside_it_and_does_not_lose_to_noise(finished):
    scores = finished[1].buckets[0].scores
    assert scores["baseline_byte_exact"]["successes"] >= scores["byte_exact"]["successes"] / 2
    assert scores["baseline_byte_exact"]["n"] > 0


def test_what_was_refused_for_low_confidence_is_scored_as_a_merge_too(finished):
    out, summary = finished
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    unsure = [s for s in samples if s["reason"] == RefusalReason.LOW_CONFIDENCE]
    assert unsure
    assert all(s["outcome"] == Outcome.REFUSED for s in unsure)
    assert all(s["merge"]["outcome"] in (Outcome.EXACT, Outcome.WRONG) for s in unsure)
    others = [s for s in samples if s["reason"] != RefusalReason.LOW_CONFIDENCE]
    assert all(s["merge"]["outcome"] == s["outcome"] for s in others)
    scores = summary.buckets[0].scores
    exact = [s for s in unsure if s["merge"]["outcome"] == Outcome.EXACT]
    assert scores["merged_byte_exact"]["successes"] == scores["byte_exact"]["successes"] + len(exact)
    coverage = scores["coverage_risk"][-1][1]
    assert coverage > scores["coverage"]["rate"]


def test_an_edit_answered_as_made_already_is_not_one_that_was_applied(tmp_path, tiny_folder):
    made = replace(EXACT[0], id="made", original=EXACT[0].expected)
    (bucket,) = run(tmp_path / "made", tiny_folder, [EXACT[0], made]).buckets
    assert bucket.scores["applied_right"]["n"] == 1
    assert bucket.scores["answered_right"]["n"] == 2
    assert bucket.scores["byte_exact"]["successes"] == 2


def test_repeats_agree(finished):
    agreement = finished[1].buckets[0].scores["agreement"]
    assert agreement == {"N": 2, "TARr": 1.0, "TARa": 1.0, "Std@Acc": 0.0, "Avg_Std@Output_Length": 0.0}


def test_every_sample_carries_what_its_score_belongs_to(finished):
    out, summary = finished
    assert load_summary(out) == summary
    provenance = summary.provenance
    assert provenance.numerics_version == "1"
    assert provenance.model.startswith("tiny")
    assert len(provenance.fingerprint) == 64
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert {sample["fingerprint"] for sample in samples} == {provenance.fingerprint}


def test_a_stopped_run_is_resumed_and_ends_the_same(finished, tmp_path, tiny_folder):
    out, summary = finished
    half = tmp_path / "half"
    half.mkdir()
    lines = (out / "samples.jsonl").read_text().splitlines(keepends=True)
    (half / "run.json").write_bytes((out / "run.json").read_bytes())
    (half / "samples.jsonl").write_text("".join(lines[: len(lines) // 2]) + lines[-1][:40])
    resumed = run(half, tiny_folder, repeats=2)
    timeless = {"ms_median", "ms_p95", "cpu_ms_median", "cpu_ms_mean"}
    ours, theirs = (s.buckets[0].scores for s in (resumed, summary))
    assert {k: v for k, v in ours.items() if k not in timeless} == {
        k: v for k, v in theirs.items() if k not in timeless
    }
    assert len((half / "samples.jsonl").read_text().splitlines()) == len(lines)


def test_samples_of_two_runs_are_never_mixed(finished, tiny_folder):
    with pytest.raises(RunMismatch, match="another configuration"):
        run(finished[0], tiny_folder, repeats=3)
    with pytest.raises(RunMismatch, match="other cases"):
        run(finished[0], tiny_folder, repeats=2, cases=CASES[1:])


def test_two_processes_give_the_same_samples(finished, tmp_path, tiny_folder):
    few = CASES[:4]
    one = run(tmp_path / "one", tiny_folder, cases=few)
    two = run(tmp_path / "two", tiny_folder, cases=few, workers=2)
    assert one.buckets[0].scores["outcomes"] == two.buckets[0].scores["outcomes"]
    comparison = compare(tmp_path / "one", tmp_path / "two")
    assert (comparison.label, comparison.changed, comparison.p_value) == ("", (), 1.0)


def rewrite_fingerprint(out, fingerprint, every=1):
    path = out / "samples.jsonl"
    samples = [json.loads(line) for line in path.read_text().splitlines()]
    for number, sample in enumerate(samples):
        if number % every == 0:
            sample["fingerprint"] = fingerprint
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))


def test_a_run_under_two_fingerprints_says_so_and_keeps_them_apart(tmp_path, tiny_folder):
    out = tmp_path / "run"
    run(out, tiny_folder, cases=CASES[:6])
    rewrite_fingerprint(out, "f" * 64, every=2)
    summary = run(out, tiny_folder, cases=CASES[:6])
    assert summary.warning is not None
    assert "2 fingerprints" in summary.warning
    assert sorted(bucket.n for bucket in summary.buckets) == [3, 3]
    with pytest.raises(ValueError, match="spans 2 fingerprints"):
        History(tmp_path / "history.jsonl").add(summary)


def test_comparison_across_fingerprints_is_refused_unless_forced_and_then_labelled(tmp_path, tiny_folder):
    for name in ("a", "b"):
        run(tmp_path / name, tiny_folder, cases=CASES[:4])
    rewrite_fingerprint(tmp_path / "b", "f" * 64)
    run(tmp_path / "b", tiny_folder, cases=CASES[:4])
    with pytest.raises(NotComparable, match="--force"):
        compare(tmp_path / "a", tmp_path / "b")
    assert compare(tmp_path / "a", tmp_path / "b", force=True).label.startswith("ACROSS FINGERPRINTS")
    run(tmp_path / "c", tiny_folder, cases=CASES[:3])
    with pytest.raises(NotComparable, match="different cases"):
        compare(tmp_path / "a", tmp_path / "c", force=True)


def test_history_finds_the_baseline_of_a_fingerprint(finished, tmp_path):
    summary = finished[1]
    log = History(tmp_path / "history.jsonl")
    assert log.latest(summary.provenance.fingerprint, summary.cases_sha256) is None
    entry = log.add(summary)
    again = History(tmp_path / "history.jsonl")
    assert again.latest(summary.provenance.fingerprint, summary.cases_sha256) == entry
    assert again.latest("f" * 64, summary.cases_sha256) is None


def test_the_reference_set_is_200_cases():
    cases = reference_cases()
    assert len(cases) == 200
    assert len({case.category for case in cases}) > 12


def test_mcnemar_by_hand():
    # 1 win against 5 losses: 2 * (C(6,0) + C(6,1)) / 2**6.
    assert sign_test(1, 5) == 14 / 64
    assert sign_test(3, 3) == 1.0


def test_scores_of_a_broken_answer(tiny_folder):
    case = Case("x", Category.PLAIN, "text", "a.txt", EditFormat.SEARCH_REPLACE, b"a\n", b"", expected=b"b\n")
    result = open_baseline(tiny_folder).apply(case.request())
    assert result.refusal is not None
    assert result.refusal.reason is RefusalReason.EMPTY_EDIT
    assert score(case, result) is Outcome.REFUSED


def test_an_exception_is_unscored_and_not_a_zero(tmp_path, tiny_folder, monkeypatch):
    def fail(self, request):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("applier.pipeline.Applier.apply", fail)
    (bucket,) = run(tmp_path / "run", tiny_folder, cases=CASES[:3]).buckets
    assert bucket.unscored == 3
    assert bucket.scores["byte_exact"]["rate"] is None
