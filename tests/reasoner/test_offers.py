"""A refusal with an offer: the model is shown the diff, and its yes or no decides, within the rounds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from applier.types import EditOptions, RefusalReason, Status
from applier.workspace.transaction import Workspace
from reasoner.apply import InProcess
from reasoner.backends.base import Answer
from reasoner.backends.recorded import Recorded
from reasoner.loop import LoopOptions, Outcome, Run
from reasoner.prompts import says_yes
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import Recorder
from reasoner.replay import replay
from reasoner.types import ChatRequest
from tests.applier.tiny_applier import tiny_applier
from tests.reasoner.conftest import FILES, Runs

LAZY = """\
File: util.py
```python
def one():
    number = 1
    return number
```
"""
BLOCK = "util.py\n<<<<<<< SEARCH\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE\n"
MERGED = b"def one():\n    number = 1\n    return number\n"
UNSURE = EditOptions(min_confidence=1.0)


@pytest.fixture
def applier() -> InProcess:
    """Writes what the alignment proposes, and is never wholly sure."""
    return InProcess(tiny_applier(bias=5.0))


def test_yes_makes_the_change(run: Runs, root: Path, ledger_path: Path, applier: InProcess) -> None:
    result = run(LAZY, "Yes.", edit=UNSURE)
    assert result.outcome is Outcome.WRITTEN
    assert (root / "util.py").read_bytes() == MERGED
    (only,) = result.rounds
    assert only.steps[0].answer is not None
    with Ledger(ledger_path) as book:
        entries = list(book.entries())
    assert [entry.kind for entry in entries] == ["run", "call", "apply", "call", "apply", "write"]
    refused, accepted = (entry.body for entry in entries if entry.kind == "apply")
    assert refused["status"] == Status.REFUSED
    assert accepted["options"]["accept"] == refused["refusal"]["offer"]["result_sha256"]
    report = asyncio.run(replay(ledger_path, applier))
    assert (report.edits, report.difference) == (2, None)


def test_the_question_shows_the_diff_and_a_ledger_answers_it_again(
    run: Runs, root: Path, ledger_path: Path, tmp_path: Path, applier: InProcess
) -> None:
    run(LAZY, "yes", edit=UNSURE)
    for path, content in FILES.items():
        (root / path).write_bytes(content)
    asked: list[str] = []

    class Listening(Recorded):
        async def _call(self, request: ChatRequest) -> Answer:
            asked.append(request.messages[-1].text)
            return await super()._call(request)

    with Ledger(tmp_path / "second.sqlite") as book:
        options = LoopOptions(edit=UNSURE, rounds=2)
        again = Run(Workspace(root), Listening(ledger_path), applier, Recorder(book), options)
        result = asyncio.run(again.edit("make it two", ("app.py", "util.py")))
    assert result.outcome is Outcome.WRITTEN
    assert (root / "util.py").read_bytes() == MERGED
    assert "```diff\n--- a/util.py\n+++ b/util.py\n" in asked[1]
    assert "+    return number\n" in asked[1]


def test_after_a_no_the_edit_is_asked_for_again(run: Runs, root: Path) -> None:
    result = run(LAZY, "no, that is not it", BLOCK, edit=UNSURE)
    assert result.outcome is Outcome.WRITTEN
    assert (root / "util.py").read_bytes() == FILES["util.py"].replace(b"1", b"2")
    feedback = result.rounds[1].proposal.request.messages[-1].text
    assert str(RefusalReason.LOW_CONFIDENCE) in feedback
    assert "and said: no, that is not it" in feedback


@pytest.mark.parametrize(("replies", "asked"), [((LAZY,), False), ((LAZY, "No"), True)])
def test_questions_are_bounded_by_the_rounds(
    run: Runs, root: Path, replies: tuple[str, ...], asked: bool
) -> None:
    result = run(*replies, edit=UNSURE)
    assert result.outcome is Outcome.REFUSED
    assert [step.answer is not None for step in result.rounds[0].steps] == [asked]
    assert len(result.rounds) == 1
    assert (root / "util.py").read_bytes() == FILES["util.py"]


@pytest.mark.parametrize(
    ("reply", "yes"),
    [
        ("yes", True),
        ("**Yes**, exactly", True),
        ("No", False),
        ("yesterday", False),
        ("", False),
        ("I say yes", False),
    ],
)
def test_only_a_reply_that_begins_with_yes_is_one(reply: str, yes: bool) -> None:
    assert says_yes(reply) == yes
