"""What was recorded comes out again, byte for byte, and a difference is named."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from applier.pipeline import Applier
from applier.types import EditRequest, EditResult
from applier.workspace.transaction import Workspace
from reasoner.apply import InProcess
from reasoner.backends.recorded import Recorded
from reasoner.digest import sha256
from reasoner.errors import LedgerError
from reasoner.loop import LoopOptions, Outcome, Run
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import Recorder
from reasoner.replay import first_difference, replay
from tests.reasoner.conftest import FILES, Runs
from tests.reasoner.test_loop import BOTH, block


def replayed(path: Path, applier: InProcess, head: str | None = None):
    return asyncio.run(replay(path, applier, head))


def chain_of_ten(run: Runs) -> None:
    """Ten edits, each of which matches only what the one before it wrote."""
    for number in range(1, 11):
        result = run(block("util.py", f"    return {number}", f"    return {number + 1}"))
        assert result.outcome is Outcome.WRITTEN


def test_a_chain_of_ten_dependent_edits_replays_exactly(
    run: Runs, root: Path, ledger_path: Path, applier
) -> None:
    chain_of_ten(run)
    assert (root / "util.py").read_bytes() == b"def one():\n    return 11\n"
    report = replayed(ledger_path, applier)
    assert (report.edits, report.difference) == (10, None)
    assert report.fingerprints == (report.fingerprint_here,)
    assert replayed(ledger_path, applier, report.head).head == report.head


def test_refusals_replay_too(run: Runs, ledger_path: Path, applier) -> None:
    run(block("util.py", "no such line", "x"), BOTH)
    report = replayed(ledger_path, applier)
    assert (report.edits, report.difference) == (3, None)


class OneByteOff:
    """A negative control: an applier that is wrong in one byte of its seventh edit."""

    def __init__(self, fingerprint: str | None = None) -> None:
        self.calls = 0
        self.other = fingerprint
        self.real = Applier.without_model()

    def fingerprint(self) -> str:
        return self.other or self.real.fingerprint()

    def apply(self, request: EditRequest) -> EditResult:
        result = self.real.apply(request)
        self.calls += 1
        if self.other:
            receipt = dataclasses.replace(result.receipt, fingerprint=self.other)
            result = dataclasses.replace(result, receipt=receipt)
        if self.calls == 7:
            return dataclasses.replace(result, content=result.content.replace(b"return 8", b"return 9"))
        return result


def test_the_first_difference_is_named(run: Runs, ledger_path: Path) -> None:
    chain_of_ten(run)
    report = replayed(ledger_path, InProcess(OneByteOff()))
    assert report.edits == 7
    difference = report.difference
    assert difference is not None
    assert (difference.path, difference.what, difference.line, difference.byte) == ("util.py", "bytes", 2, 22)
    with Ledger(ledger_path) as ledger:
        applies = [entry.sequence for entry in ledger.entries("apply")]
    assert difference.sequence == applies[6]
    assert "the same fingerprint: this breaks the contract" in str(difference)
    other = replayed(ledger_path, InProcess(OneByteOff("0" * 64))).difference
    assert "another fingerprint" in str(other)


def test_a_changed_ledger_is_not_replayed(run: Runs, ledger_path: Path, applier) -> None:
    run(BOTH)
    head = replayed(ledger_path, applier).head
    db = sqlite3.connect(ledger_path)
    db.execute("DROP TRIGGER blobs_no_update")
    edit = b"evil"
    db.execute("UPDATE blobs SET content = ? WHERE sha256 = ?", (edit, sha256(FILES["util.py"])))
    db.commit()
    with pytest.raises(LedgerError, match="were changed"):
        replayed(ledger_path, applier)
    with pytest.raises(LedgerError, match="head"):
        replayed(ledger_path, applier, "0" * 64)
    db.execute("DROP TRIGGER entries_no_delete")
    db.execute("DELETE FROM entries WHERE sequence = (SELECT max(sequence) FROM entries)")
    db.commit()
    with pytest.raises(LedgerError, match="it is another, or was cut"):
        replayed(ledger_path, applier, head)


def test_a_whole_run_repeats_from_its_ledger(
    run: Runs, root: Path, ledger_path: Path, applier, tmp_path
) -> None:
    """The recorded answers give the same task the same files with no reasoning model."""
    run(BOTH)
    after = {path: (root / path).read_bytes() for path in FILES}
    for path, content in FILES.items():
        (root / path).write_bytes(content)
    with Ledger(tmp_path / "second.sqlite") as second:
        loop = Run(Workspace(root), Recorded(ledger_path), applier, Recorder(second), LoopOptions(rounds=1))
        assert asyncio.run(loop.edit("make it two", list(FILES))).outcome is Outcome.WRITTEN
        assert {path: (root / path).read_bytes() for path in FILES} == after
        other = Run(Workspace(root), Recorded(ledger_path), applier, Recorder(second), LoopOptions(rounds=1))
        with pytest.raises(LedgerError, match="no answer for this request"):
            asyncio.run(other.edit("make it three", list(FILES)))


def test_the_five_facts_are_in_the_ledger(run: Runs, ledger_path: Path) -> None:
    run(BOTH)
    with Ledger(ledger_path) as ledger:
        (call,) = ledger.entries("call")
        assert ledger.blob(call.body["reply_sha256"]).decode() == BOTH
    facts = call.body["facts"]
    assert facts.keys() >= {
        "seed_sent",
        "seed_echoed",
        "system_fingerprint",
        "started_at",
        "elapsed_ms",
        "model",
    }
    assert {"request_sha256", "wire_request_sha256", "response_sha256"} <= call.body.keys()


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(b"abc", b"abd", 2), (b"ab", b"abc", 2), (b"", b"x", 0), (b"same", b"same", 4)]
)
def test_first_difference(a: bytes, b: bytes, expected: int) -> None:
    assert first_difference(a, b) == expected
