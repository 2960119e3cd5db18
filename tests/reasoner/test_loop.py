"""The loop on real files with the real exact tier; only the replies were written beforehand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from applier.types import EditOptions, RefusalReason
from applier.workspace.errors import TransactionError
from reasoner import credentials
from reasoner.errors import LedgerError, UsageError
from reasoner.loop import Outcome
from reasoner.recording.ledger import Ledger
from tests.reasoner.conftest import FILES, Runs


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n\n"


BOTH = block("util.py", "def one():\n    return 1", "def two():\n    return 2") + block(
    "app.py", "    return util.one()", "    return util.two()"
)
AFTER = {
    "app.py": b"import util\n\n\ndef main():\n    return util.two()\n",
    "util.py": b"def two():\n    return 2\n",
}


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}


def kinds(ledger: Path) -> list[str]:
    with Ledger(ledger) as book:
        return [entry.kind for entry in book.entries()]


def test_edits_of_several_files_are_written_together(run: Runs, root: Path, ledger_path: Path) -> None:
    result = run(BOTH)
    assert result.outcome is Outcome.WRITTEN
    assert files(root) == AFTER
    assert kinds(ledger_path) == ["run", "call", "apply", "apply", "write"]


def test_running_again_changes_nothing(run: Runs, root: Path) -> None:
    run(BOTH)
    result = run(BOTH)
    # One line without context proves nothing of where its result stands, so it is not taken for made.
    assert result.outcome is Outcome.REFUSED
    assert "stand" in result.unresolved[0]
    assert files(root) == AFTER


def test_one_refusal_keeps_every_file(run: Runs, root: Path) -> None:
    result = run(BOTH.replace("util.one()", "util.three()"))
    assert result.outcome is Outcome.REFUSED
    assert files(root) == FILES
    assert result.unresolved[0].startswith("app.py: no_match")


def test_a_refusal_goes_back_and_the_next_round_repairs_it(run: Runs, root: Path) -> None:
    wrong = BOTH.replace("return util.one()", "return util.uno()")
    result = run(wrong, block("app.py", "    return util.one()", "    return util.two()"))
    assert result.outcome is Outcome.WRITTEN
    assert files(root) == AFTER
    (turn_reply, feedback) = [m.text for m in result.rounds[1].proposal.request.messages[2:]]
    assert "util.uno()" in turn_reply
    assert "Applied: util.py. Do not repeat" in feedback
    assert "Refused: app.py: no_match: The block at line 1" in feedback


def test_an_unusable_reply_is_asked_for_again(run: Runs, root: Path) -> None:
    result = run("I would rename the function.", BOTH)
    assert result.outcome is Outcome.WRITTEN
    assert "Not usable: the reply contains no edit" in result.rounds[1].proposal.request.messages[3].text


def test_a_new_syntax_error_is_refused_and_fed_back(run: Runs, root: Path) -> None:
    broken = block("util.py", "    return 1", "    return (1")
    result = run(broken, block("util.py", "    return 1", "    return 2"))
    assert result.outcome is Outcome.WRITTEN
    assert files(root)["util.py"] == b"def one():\n    return 2\n"
    assert str(RefusalReason.SYNTAX_ERROR) in result.rounds[1].proposal.request.messages[3].text


def test_rounds_are_bounded(run: Runs, root: Path) -> None:
    wrong = block("util.py", "no such line", "x")
    result = run(wrong, wrong, wrong, rounds=2)
    assert (result.outcome, len(result.rounds)) == (Outcome.REFUSED, 2)
    assert files(root) == FILES


def test_a_dry_run_writes_nothing(run: Runs, root: Path) -> None:
    result = run(BOTH, dry_run=True)
    assert result.outcome is Outcome.DRY_RUN
    assert {change.path: change.new for change in result.changes} == AFTER
    assert files(root) == FILES


def test_a_patch_creates_and_deletes_where_that_is_allowed(run: Runs, root: Path) -> None:
    patch = (
        "*** Begin Patch\n*** Update File: app.py\n@@\n-import util\n+import new\n*** Add File: new.py\n"
        "+x = 1\n*** Delete File: util.py\n*** End Patch\n"
    )
    assert run(patch).outcome is Outcome.REFUSED
    assert run(patch, allow_delete=True, allow_create=False).outcome is Outcome.REFUSED
    assert files(root) == FILES
    assert run(patch, allow_delete=True).outcome is Outcome.WRITTEN
    assert files(root) == {
        "app.py": FILES["app.py"].replace(b"import util", b"import new"),
        "new.py": b"x = 1\n",
    }


@pytest.mark.parametrize("path", ["../evil.py", "/tmp/evil.py", ".git/hooks/pre-commit", ".samebytes/x"])
def test_a_reply_cannot_write_elsewhere(run: Runs, root: Path, path: str) -> None:
    result = run(f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n")
    assert result.outcome is Outcome.REFUSED
    assert not (root.parent / "evil.py").exists()


def test_a_file_that_was_not_shown_is_not_edited(run: Runs, root: Path) -> None:
    (root / "other.py").write_text("x = 1\n")
    for reply in (
        block("other.py", "x = 1", "x = 2"),
        "File: other.py\n```python\nx = 2\n```\n",
        "*** Begin Patch\n*** Add File: other.py\n+x = 2\n*** End Patch\n",
    ):
        assert run(reply).outcome is Outcome.REFUSED
    assert (root / "other.py").read_text() == "x = 1\n"


def test_a_ledger_that_fails_at_the_end_says_that_the_files_were_written(
    run: Runs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.append

    def full(self: Ledger, kind: str, *arguments) -> object:
        if kind == "write":
            raise LedgerError("disk full")
        return real(self, kind, *arguments)

    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(LedgerError, match="the files were written, but not recorded: disk full"):
        run(BOTH)
    assert files(root) == AFTER


def test_a_file_changed_during_the_run_is_kept(
    run: Runs, root: Path, monkeypatch: pytest.MonkeyPatch, applier
) -> None:
    real = applier.apply

    async def slow(request):
        (root / "app.py").write_bytes(b"mine\n")
        return await real(request)

    monkeypatch.setattr(applier, "apply", slow)
    with pytest.raises(TransactionError, match=r"app\.py changed meanwhile"):
        run(BOTH)
    assert files(root) == FILES | {"app.py": b"mine\n"}


def test_windows_line_ends_and_encodings_are_the_files_own(run: Runs, root: Path) -> None:
    (root / "util.py").write_bytes(b"\xef\xbb\xbfdef one():\r\n    return 1")
    assert run(block("util.py", "    return 1", "    return 2")).outcome is Outcome.WRITTEN
    assert (root / "util.py").read_bytes() == b"\xef\xbb\xbfdef one():\r\n    return 2"


@pytest.mark.parametrize(("content", "message"), [(b"\0\1\2", "binary"), (None, "no file")])
def test_files_that_cannot_be_edited_are_said(
    run: Runs, root: Path, content: bytes | None, message: str
) -> None:
    (root / "x.py").write_bytes(content) if content else None
    with pytest.raises(UsageError, match=message):
        run(BOTH, files=("x.py",))


def test_a_file_with_a_key_in_it_is_not_sent(run: Runs, root: Path) -> None:
    credentials.remember("sk-canary-in-a-file-42")
    (root / "app.py").write_text("KEY = 'sk-canary-in-a-file-42'\n")
    with pytest.raises(UsageError, match=r"app\.py contains one of the keys"):
        run(BOTH)


def test_the_syntax_gate_can_be_opened(run: Runs, root: Path) -> None:
    broken = block("util.py", "    return 1", "    return (1")
    assert run(broken, edit=EditOptions(syntax_gate=False)).outcome is Outcome.WRITTEN
    assert files(root)["util.py"] == b"def one():\n    return (1\n"


KILLED = """
import os, signal, sys
from applier.workspace import transaction
real, left = transaction.replace_file, [int(sys.argv.pop(1))]
def killing(snapshot, content):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    real(snapshot, content)
transaction.replace_file = killing
from reasoner import cli
from reasoner.apply import InProcess
from applier.pipeline import Applier
InProcess.default = classmethod(lambda cls, model=None: cls(Applier.without_model()))
cli.app()
"""


def samebytes(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=os.getcwd()
    )


@pytest.mark.parametrize("written", [0, 1])
def test_kill_9_between_files_leaves_all_or_nothing(root: Path, tmp_path: Path, written: int) -> None:
    """The whole command is killed before its first, or its second, file gets its name."""
    (tmp_path / "reply.md").write_text(BOTH)
    arguments = [
        "edit",
        "make it two",
        "--backend",
        f"reply-file:{tmp_path / 'reply.md'}",
        "--root",
        str(root),
    ]
    arguments += ["--files", str(root / "app.py"), str(root / "util.py")]
    killed = samebytes(KILLED, str(written), *arguments)
    assert killed.returncode == -signal.SIGKILL
    torn = files(root)
    assert (torn != FILES) == (written == 1)
    recovered = samebytes(KILLED, "99", "recover", str(root))
    assert recovered.returncode == 0
    assert "finished: app.py, util.py" in recovered.stdout
    assert files(root) == AFTER
