"""Two thousand generated edits: the right bytes or a refusal, and nothing in between."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

from applier.parse.markers import is_marker
from applier.syntax.languages import language_for_path
from applier.text.source_text import SourceText
from applier.text.unified_diff import apply_diff
from applier.types import RefusalReason, Status
from tests.applier.exact_tier import Outcome, run
from tests.applier.generate import WRITERS, Case, cases

COUNT = 2500
SEED = 20240607


def check(case: Case) -> str:
    """The name of what went wrong, or ""."""
    outcome = run(case.original, case.edit, case.format, case.path)
    if case.needs_model and not (outcome.status is Status.ALREADY_APPLIED and case.status is outcome.status):
        wrong = not outcome.needs_model or outcome.content != case.original
        return "should go to the model" if wrong else ""
    if case.name.endswith("/again") and outcome.needs_model:
        # New lines that stand somewhere, with nothing around them, are not taken for a result.
        return "" if outcome.content == case.original else "changed"
    if outcome.status is not case.status:
        return f"{outcome.status} instead of {case.status}: {outcome.refusal}"
    if case.reason is not None and outcome.reason is not case.reason:
        return f"{outcome.reason} instead of {case.reason}"
    if outcome.content != (case.expected if case.status is Status.APPLIED else case.original):
        return f"wrong bytes: {outcome.content!r} instead of {case.expected!r}"
    if case.status is Status.APPLIED and apply_diff(case.original, outcome.diff) != case.expected:
        return "the diff does not give the result"
    return ""


def _seems(outcome: Outcome) -> bool:
    return outcome.reason is RefusalReason.NO_MATCH and "seems to stand" in str(outcome.refusal)


def test_generated_edits() -> None:
    failures: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    leaked = outside = applied = 0
    for case in cases(SEED, COUNT):
        problem = check(case)
        if problem:
            failures[f"{case.name}: {problem}\n{case.edit.decode()}"] += 1
            continue
        formats[case.name.split("/")[0]] += 1
        outcome = run(case.original, case.edit, case.format, case.path)
        if outcome.status is not Status.APPLIED:
            continue
        applied += 1
        language = language_for_path(case.path)
        before, after = (SourceText.decode(data).lines for data in (case.original, outcome.content))
        leaked += sum(is_marker(line, language) for line in after) > sum(
            is_marker(line, language) for line in before
        )
        outside += outcome.content != case.expected
    assert not failures, "\n\n".join(list(failures)[:3])
    assert (leaked, outside) == (0, 0)
    assert applied > 1000
    assert set(formats) >= set(WRITERS)


def test_git_applies_the_diffs_of_generated_edits(tmp_path: Path) -> None:
    for number, case in enumerate(cases(SEED + 1, 120)):
        outcome = run(case.original, case.edit, case.format, case.path)
        if outcome.status is not Status.APPLIED:
            continue
        target = tmp_path / str(number) / case.path
        target.parent.mkdir(parents=True)
        target.write_bytes(case.original)
        command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
        subprocess.run(command, input=outcome.diff, cwd=tmp_path / str(number), check=True)
        assert target.read_bytes() == case.expected
