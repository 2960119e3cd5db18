"""The written cases with tests: each test tells the edited file from the original, and runs within limits."""

import dataclasses
import time

import pytest

from evals.cases import Case, Category
from evals.cases.case import case_from_json
from evals.cases.case_tests import CaseTests
from evals.cases.written import load_file, load_written
from evals.measure.accuracy import run_accuracy
from evals.measure.passing import passes_its_tests
from evals.runs.config import AccuracyConfig
from evals.runs.subjects import provenance_of

TESTED = [case for case in load_written() if case.tests is not None]


def test_there_are_enough_over_enough_categories():
    assert len(TESTED) >= 30
    assert len({case.category for case in TESTED}) >= 12
    assert len({case.language for case in TESTED}) >= 5
    assert len({case.format for case in TESTED}) == 5


@pytest.mark.parametrize("case", TESTED, ids=lambda case: case.id)
def test_it_passes_on_the_expected_file_and_fails_on_the_original(case):
    assert passes_its_tests(case, case.expected) is True
    already = case.category is Category.APPLIED_TWICE
    assert passes_its_tests(case, case.original) is already


def with_command(source, *files):
    case = TESTED[0]
    tests = CaseTests((("check.py", source), *files), ("python", "check.py"))
    return dataclasses.replace(case, tests=tests)


def test_a_command_that_hangs_fails_in_time_and_leaves_nothing_running(tmp_path):
    mark = tmp_path / "alive"
    source = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2); open({str(mark)!r}, 'w')"])
time.sleep(60)
"""
    began = time.monotonic()
    assert passes_its_tests(with_command(source), b"", seconds=1) is False
    assert time.monotonic() - began < 10
    time.sleep(2.5)
    assert not mark.exists()


def test_a_command_sees_no_environment_and_no_input(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    source = """
import os, sys
assert "OPENAI_API_KEY" not in os.environ
assert sys.stdin.read() == ""
assert os.getcwd() == os.path.realpath(os.environ["HOME"])
assert sorted(os.listdir()) == ["cart.py", "check.py"]
"""
    assert passes_its_tests(with_command(source), b"") is True


def test_memory_is_limited():
    assert passes_its_tests(with_command("x = bytearray(3 << 30)"), b"") is False


def test_only_cases_of_the_package_may_carry_tests(tmp_path):
    record = {
        "id": "x", "category": "plain", "language": "python", "path": "a.py", "format": "lazy",
        "original": "a\n", "edit": "b\n", "expected": "b\n",
        "tests": {"files": {"check.py": "1 / 0"}, "command": ["python", "check.py"]},
    }  # fmt: skip
    with pytest.raises(ValueError, match="only the cases of this package"):
        case_from_json(record)
    import json

    (tmp_path / "theirs.jsonl").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"theirs\.jsonl, line 1"):
        load_file(tmp_path / "theirs.jsonl")
    for name in ("/etc/passwd", "../x.py", "a/../../x.py"):
        with pytest.raises(ValueError, match="beside the edited file"):
            CaseTests(((name, ""),), ("python", "x.py"))


def test_tests_are_run_only_when_asked_and_count_as_semantic_equivalence(tmp_path, tiny_folder):
    wanted = ("tested/queue-empty", "tested/two-blocks", "tested/json-setting")
    cases = [case for case in TESTED if case.id in wanted]
    # The same behaviour in other bytes: wrong byte for byte, right by its tests.
    other = dataclasses.replace(
        cases[0],
        id="other-bytes",
        expected=cases[0].expected.replace(b"if not self._items", b"if len(self._items) == 0"),
    )
    for run_tests in (False, True):
        config = AccuracyConfig(
            out=tmp_path / str(run_tests), model=tiny_folder, threads=1, run_tests=run_tests
        )
        (bucket,) = run_accuracy(config, [*cases, other], provenance_of(tiny_folder)).buckets
        scores = bucket.scores
        assert scores["byte_exact"]["successes"] == 3
        assert scores["tests_pass"]["n"] == (4 if run_tests else 0)
        assert scores["tests_pass"]["successes"] == (4 if run_tests else 0)
        assert scores["semantic"]["successes"] == (4 if run_tests else 3)
        assert scores["baseline_tests_pass"]["n"] == scores["tests_pass"]["n"]


def test_a_case_without_tests_is_not_scored_by_them():
    case = Case("x", Category.PLAIN, "text", "a.txt", TESTED[0].format, b"a\n", b"b\n", expected=b"b\n")
    assert passes_its_tests(case, b"b\n") is None
