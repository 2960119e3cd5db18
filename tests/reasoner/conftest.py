"""What the reasoner's tests share: an applier, a workspace, and replies that were written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from applier.pipeline import Applier
from applier.workspace.transaction import Workspace
from reasoner.apply import InProcess
from reasoner.backends.recorded import ReplyFile
from reasoner.loop import LoopOptions, Run, RunResult
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import Recorder

Runs = Callable[..., RunResult]

FILES = {
    "app.py": b"import util\n\n\ndef main():\n    return util.one()\n",
    "util.py": b"def one():\n    return 1\n",
}


@pytest.fixture
def applier() -> InProcess:
    return InProcess(Applier.without_model())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for path, content in FILES.items():
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def run(root: Path, applier: InProcess, ledger_path: Path, tmp_path: Path) -> Runs:
    """Run the loop on app.py and util.py with replies given as text, one a round."""

    def go(*replies: str, files: tuple[str, ...] = ("app.py", "util.py"), **options) -> RunResult:
        paths = []
        for number, reply in enumerate(replies):
            paths.append(tmp_path / f"reply-{number}.md")
            paths[-1].write_text(reply)
        with Ledger(ledger_path) as ledger:
            options.setdefault("rounds", len(replies))
            loop = Run(Workspace(root), ReplyFile(*paths), applier, Recorder(ledger), LoopOptions(**options))
            return asyncio.run(loop.edit("make it two", files))

    return go
