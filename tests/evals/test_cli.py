import json

import pytest
from typer.testing import CliRunner

from evals.cases import case_to_json
from evals.cli import app
from tests.evals.small import EXACT, LAZY

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
