"""A process killed with SIGKILL at every point at which it touches the disk.

Run by test_transaction.py in a process of its own, since only a process without threads forks safely.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from applier.workspace import transaction
from applier.workspace.errors import TransactionError
from applier.workspace.transaction import Change, Workspace

OLD = {"a.py": b"a = 1\n", "sub/b.py": b"b = 1\r\n", "gone.py": b"g\n"}
CHANGES = [
    Change("a.py", b"a = 1\n", b"a = 2\n"),
    Change("sub/b.py", b"b = 1\r\n", b"b = 2\r\n"),
    Change("new/dir/c.py", None, b"c = 2\n"),
    Change("gone.py", b"g\n", None),
]
NEW = {"a.py": b"a = 2\n", "sub/b.py": b"b = 2\r\n", "new/dir/c.py": b"c = 2\n"}


def files(root: Path) -> dict[str, bytes]:
    """Every file of the folder that a user would see, temporary files too."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and transaction.STATE_DIRECTORY not in path.parts
    }


def commit(root: Path, changes: list[Change]) -> None:
    """What a process leaves that is killed right after the commitment."""
    workspace = Workspace(root)
    with workspace._journal() as journal:
        journal.commit(workspace._steps(changes))


def users_files(root: Path) -> dict[str, bytes]:
    return {path: content for path, content in files(root).items() if ".samebytes-" not in path}


def in_child_killed_at(point: int, root: Path, work: Callable[[], object]) -> bool:
    """Run `work` in a forked process that kills itself before its `point`-th change to the disk.

    Returns whether it was killed.
    """
    child = os.fork()
    if child == 0:
        left = [point]

        def counted(real):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)

            return call

        for name in ("rename", "replace", "link", "unlink", "mkdir", "fsync"):
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def reset(root: Path) -> None:
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, content in OLD.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content)


def at_every_step(root: Path) -> None:
    seen = set()
    point = 0
    while True:
        point += 1
        reset(root)
        killed = in_child_killed_at(point, root, lambda: Workspace(root).write(CHANGES))
        torn = users_files(root) not in (OLD, NEW)
        recovered = Workspace(root).recover()
        assert users_files(root) in (OLD, NEW), f"half done after a kill at step {point}"
        seen.add((torn, recovered is not None, users_files(root) == NEW))
        assert not list((root / ".samebytes").glob("*-*"))
        assert not list(root.rglob("*.samebytes-*"))
        assert not (root / ".samebytes/journal").exists()
        # and the folder works on
        Workspace(root).write([Change("a.py", users_files(root)["a.py"], b"last\n")])
        if not killed:
            break
    assert point > 20
    # Kills before, between and after the writes all occurred, and recovery finished the torn ones.
    assert {(False, False, False), (True, True, True), (False, True, True), (False, False, True)} <= seen


def during_recovery(root: Path) -> None:
    point = 0
    while True:
        point += 1
        reset(root)
        # a kill right after the commit leaves the whole journal to work through
        commit(root, CHANGES)
        killed = in_child_killed_at(point, root, lambda: Workspace(root).recover())
        Workspace(root).recover()
        assert files(root) == NEW
        if not killed:
            break
    assert point > 5


def while_taking_back(root: Path) -> None:
    def fails(workspace: Workspace) -> None:
        real = workspace._put
        workspace._put = lambda step: (  # type: ignore[method-assign]
            real(step) if step.change.path != "gone.py" else (_ for _ in ()).throw(OSError("disk"))
        )
        try:
            workspace.write(CHANGES)
        except TransactionError:
            return
        raise AssertionError("the write did not fail")

    point, taken_back = 0, 0
    while True:
        point += 1
        reset(root)
        killed = in_child_killed_at(point, root, lambda: fails(Workspace(root)))
        rollback = (root / ".samebytes/journal-back").exists()
        Workspace(root).recover()
        assert users_files(root) in (OLD, NEW)
        if rollback:
            assert users_files(root) == OLD
            taken_back += 1
        if not killed:
            assert users_files(root) == OLD
            break
    assert taken_back > 3
