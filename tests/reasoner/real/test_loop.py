"""The two models together: a real reasoning model on a real server, and the real applier."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from applier.pipeline import Applier
from applier.types import EditFormat, Status
from applier.workspace.transaction import Workspace
from reasoner.apply import InProcess
from reasoner.backends import Backend, BackendSettings, create
from reasoner.backends.recorded import Recorded, ReplyFile
from reasoner.loop import LoopOptions, Outcome, Run, RunResult
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import Recorder
from reasoner.replay import replay
from reasoner.types import ProposeOptions, Sampling

NOTES = b"# Notes\n\nTo be written.\n"


def edited(root: Path, backend: Backend, applier: InProcess, ledger: Path, task: str, **options) -> RunResult:
    async def work() -> RunResult:
        with Ledger(ledger) as book:
            run = Run(Workspace(root), backend, applier, Recorder(book), LoopOptions(**options))
            try:
                return await run.edit(task, sorted(path.name for path in root.iterdir() if path.is_file()))
            finally:
                await backend.aclose()

    return asyncio.run(work())


def test_a_small_model_does_a_task_it_can_do(llama_cpp: str, tmp_path: Path, applier: InProcess) -> None:
    """Any sentence about the sea will do; what the model says is its own, and where it lands is not.

    A model of 135 million parameters often writes nothing usable, so several seeds are tried; whatever it
    says, a refused run leaves the file alone.
    """
    root, ledger = tmp_path / "project", tmp_path / "ledger"
    root.mkdir()
    task, written = "Write one short sentence about the sea in notes.md.", None
    for seed in range(8):
        (root / "notes.md").write_bytes(NOTES)
        backend = create(BackendSettings("llama.cpp", "smollm2", llama_cpp))
        propose = ProposeOptions(EditFormat.WHOLE_FILE, sampling=Sampling(seed, 0.7, max_output_tokens=64))
        result = edited(root, backend, applier, ledger, task, propose=propose, rounds=1)
        content = (root / "notes.md").read_bytes()
        if result.outcome is Outcome.WRITTEN:
            written = content
            assert written == result.changes[0].new != NOTES
            break
        assert content == NOTES
    assert written is not None, "no seed gave a usable reply"
    report = asyncio.run(replay(ledger, applier))
    assert (report.difference, report.edits > 0) == (None, True)
    # the recorded answers give the same file again, with no reasoning model
    (root / "notes.md").write_bytes(NOTES)
    again = edited(root, Recorded(ledger), applier, tmp_path / "second", task, propose=propose, rounds=1)
    assert again.outcome is Outcome.WRITTEN
    assert (root / "notes.md").read_bytes() == written


LAZY = """\
File: queue.py
```python
class Queue:
    # ... existing code ...
    def pop(self):
        if not self.items:
            raise IndexError("empty queue")
        return self.items.pop(0)
```

File: main.py
```python
def main():
    queue = Queue()
    queue.push(1)
    queue.push(2)
    print(queue.pop())
```
"""


@pytest.mark.slow
def test_lazy_snippets_go_through_the_apply_model_and_replay(tmp_path: Path) -> None:
    applier = Applier.from_default()
    if applier.info is None:
        pytest.skip("no apply model is installed; run samebytes model fetch")
    root, ledger = tmp_path / "project", tmp_path / "ledger"
    root.mkdir()
    files = {
        "queue.py": b"class Queue:\n    def __init__(self):\n        self.items = []\n\n"
        b"    def push(self, item):\n        self.items.append(item)\n\n"
        b"    def pop(self):\n        return self.items.pop(0)\n",
        "main.py": b"from queue import Queue\n\n\ndef main():\n    queue = Queue()\n    queue.push(1)\n"
        b"    print(queue.pop())\n\n\nmain()\n",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
    (tmp_path / "reply.md").write_text(LAZY)
    backend = ReplyFile(tmp_path / "reply.md")
    result = edited(root, backend, InProcess(applier), ledger, "raise on an empty queue", rounds=1)
    now = {name: (root / name).read_bytes() for name in files}
    steps = [step.result for step in result.rounds[0].steps]
    assert len(steps) == 2
    assert all(step is not None for step in steps)
    if any(step is None or step.status is Status.REFUSED for step in steps):
        assert (result.outcome, now) == (Outcome.REFUSED, files)
    else:
        assert result.outcome is Outcome.WRITTEN
        assert {change.path: change.new for change in result.changes} == now
    assert asyncio.run(replay(ledger, InProcess(Applier.from_default()))).difference is None
