"""`apply_patch` killed with SIGKILL at random instants.

`python -m tests.applier.mcp.killing ROOT INSTANTS SEED`: in a process of its own, since only one without
threads forks safely. Each child calls the tool, patch after patch, until it is killed. Prints how many kills
left all files old, and how many all new.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from applier import Applier
from applier.mcp.calls import Calls
from applier.mcp.roots import Roots
from applier.patches.apply import apply_patch
from applier.patches.types import PatchRequest
from applier.workspace import patches
from applier.workspace.transaction import Workspace

FILES = 6


def patch(old: int, new: int) -> str:
    """From one version of all files to the next, with one that is added and one that is deleted."""
    parts = [
        f"*** Update File: f{number}.txt\n@@\n-version {old}\n+version {new}\n line of {number}\n"
        for number in range(FILES)
    ]
    made, gone = f"*** Add File: only-{new}.txt\n+{new}\n", f"*** Delete File: only-{old}.txt\n"
    return f"*** Begin Patch\n{''.join(parts)}{made}{gone}*** End Patch\n"


def start(root: Path) -> None:
    """Version 0."""
    for number in range(FILES):
        (root / f"f{number}.txt").write_text(f"version 0\nline of {number}\n")
    (root / "only-0.txt").write_text("0\n")


def version(root: Path) -> int:
    """The version that all files have. Raises ValueError where they have several."""
    found = {(root / f"f{number}.txt").read_text().splitlines()[0].split()[1] for number in range(FILES)}
    found |= {path.stem.removeprefix("only-") for path in root.glob("only-*.txt")}
    (only,) = found
    return int(only)


class _Edits:
    def __init__(self, applier: Applier) -> None:
        self._applier = applier

    async def patch(self, request):
        return apply_patch(self._applier, request)


def _child(root: Path, applier: Applier, now: int, done: int) -> None:
    async def ready():
        return _Edits(applier)

    async def work() -> None:
        calls = Calls(ready, Roots((root,), trusting=False))
        at = now
        while True:
            answer = await calls.call("apply_patch", {"patch": patch(at, at + 1)}, None, None)
            assert not answer.is_error, answer
            at += 1
            os.pwrite(done, b"%20d" % at, 0)

    asyncio.run(work())


def killed(root: Path, instants: int, seed: int) -> tuple[int, int]:
    """(kills that left what the last finished patch made, kills that left what the next one makes)."""
    chance, left, now = random.Random(seed), [0, 0], 0
    applier = Applier.without_model()
    start(root)
    files = patches.read_mentioned(Workspace(root), patch(0, 1).encode())
    apply_patch(applier, PatchRequest(files, patch(0, 1).encode()))  # nothing is imported by the children
    done = os.open(root.parent / "done", os.O_RDWR | os.O_CREAT)
    for _ in range(instants):
        os.pwrite(done, b"%20d" % now, 0)
        child = os.fork()
        if child == 0:
            _child(root, applier, now, done)
            os._exit(1)
        began = time.monotonic()
        while int(os.pread(done, 20, 0)) == now:  # until its first patch is done
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 1.5) * (time.monotonic() - began))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"
        finished = int(os.pread(done, 20, 0))
        Workspace(root).recover()
        now = version(root)
        assert now in (finished, finished + 1), (now, finished)
        left[now - finished] += 1
    return left[0], left[1]


if __name__ == "__main__":
    print(*killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
