import json

import pytest
from typer.testing import CliRunner

from evals.cases import case_to_json
from evals.cli import app
from tests.evals.small import EXACT, LAZY
from tests.evals.tiny_model import write_tiny_model

RUNNER = CliRunner()


def invoke(*arguments):
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def cases(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(case_to_json(case)) + "\n" for case in [*EXACT[:4], *LAZY[:2]]))
    return path


def test_accuracy_prints_the_interval_beside_the_baseline_and_can_be_compared_and_reported(
    tmp_path, cases, tiny_folder
):
    for name in ("a", "b"):
        result = invoke("accuracy", "--cases", cases, "--model", tiny_folder, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert "no-model baseline" in result.output
    assert "95 %" in result.output
    compared = invoke("compare", tmp_path / "a", tmp_path / "b")
    assert compared.exit_code == 0
    assert "McNemar" in compared.output
    reported = invoke("report", tmp_path / "a", "--out", tmp_path / "report.html")
    assert reported.exit_code == 0
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_limit_chooses_by_the_seed(tmp_path, cases, tiny_folder):
    common = ("accuracy", "--cases", cases, "--model", tiny_folder, "--limit", 2)
    assert invoke(*common, "--out", tmp_path / "a").exit_code == 0
    assert len((tmp_path / "a" / "samples.jsonl").read_text().splitlines()) == 2


@pytest.fixture
def few_references(monkeypatch):
    """The reference set at a size for tests."""
    monkeypatch.setattr("evals.measure.history.reference_cases", lambda: [*EXACT[:4], *LAZY[:2]])


def test_every_fingerprint_has_one_baseline_and_other_results_under_it_are_an_alarm(
    tmp_path, tiny_folder, few_references
):
    log = tmp_path / "history.jsonl"
    known = ("--history", log, "--model", tiny_folder)
    before = invoke("history", *known)
    assert before.exit_code == 1
    assert "has no baseline" in before.output
    for name in ("a", "b"):  # the second time it is the same, and is not written again
        result = invoke("rebaseline", *known, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert len(log.read_text().splitlines()) == 1
    assert invoke("history", *known).exit_code == 0

    other = write_tiny_model(tmp_path / "other", seed=7)
    assert invoke("history", "--history", log, "--model", other).exit_code == 1
    changed = invoke("rebaseline", "--history", log, "--model", other, "--out", tmp_path / "c")
    assert changed.exit_code == 0, changed.output
    assert len(log.read_text().splitlines()) == 2

    lines = log.read_text().splitlines()
    log.write_text(lines[1] + "\n" + lines[0].replace('"results_sha256":"', '"results_sha256":"0') + "\n")
    broken = invoke("rebaseline", *known, "--out", tmp_path / "d")
    assert broken.exit_code == 1
    assert "one fingerprint must mean equal bytes" in broken.output
    assert invoke("history", "--history", tmp_path / "a" / "run.json", "--model", other).exit_code == 2


def test_runs_of_two_models_are_compared_only_when_forced_and_then_labelled(tmp_path, cases, tiny_folder):
    other = write_tiny_model(tmp_path / "other", seed=7)
    for name, model in (("a", tiny_folder), ("b", other), ("c", tiny_folder)):
        command = ("accuracy", "--cases", cases, "--model", model, "--out", tmp_path / name)
        assert invoke(*command).exit_code == 0
    refused = invoke("compare", tmp_path / "a", tmp_path / "b")
    assert refused.exit_code == 2
    assert "--force" in refused.output
    forced = invoke("compare", tmp_path / "a", tmp_path / "b", "--force")
    assert forced.exit_code == 0
    assert "ACROSS FINGERPRINTS" in forced.output
    assert invoke("compare", tmp_path / "a", tmp_path / "c").exit_code == 0
    # Other bytes under one fingerprint.
    samples = tmp_path / "c" / "samples.jsonl"
    samples.write_text(samples.read_text().replace('"result_sha256": "', '"result_sha256": "0'))
    broken = invoke("compare", tmp_path / "a", tmp_path / "c")
    assert broken.exit_code == 1
    assert "contract is broken" in broken.output
    # A run is not resumed under another model: its samples would be of two fingerprints.
    mixed = invoke("accuracy", "--cases", cases, "--model", other, "--out", tmp_path / "a")
    assert mixed.exit_code == 2
    assert "another configuration" in mixed.output


def test_an_audit_from_the_command_line(tmp_path):
    result = invoke(
        "audit",
        "--backend",
        "loopback:drops_seeds",
        "--repeats",
        8,
        "--concurrency",
        2,
        "--out",
        tmp_path / "a",
    )
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary["verdicts"]["sampler"]["finding"] == "found"
    assert summary["verdicts"]["batch"]["finding"] == "not found"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("accuracy", "--cases", "heldout"), "--repos"),
        (("accuracy", "--cases", "nowhere"), "no cases at 'nowhere'"),
        (("audit", "--backend", "loopback:imaginary"), "imaginary"),
        (("audit", "--backend", "openai"), "--url"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(tmp_path, arguments, says):
    result = invoke(*arguments, "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_missing_clone_is_a_sentence(tmp_path):
    result = invoke("mine", "--repos", tmp_path, "--out", tmp_path / "cases.jsonl")
    assert result.exit_code == 2
    assert "encode/httpx" in result.output


def test_reports_and_comparisons_of_nothing_are_sentences(tmp_path):
    assert "holds no finished run" in invoke("report", tmp_path).output.replace("\n", " ")
    assert invoke("compare", tmp_path, tmp_path).exit_code == 2
