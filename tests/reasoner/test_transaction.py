"""All or nothing, at every point at which a process can be killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from reasoner import transaction
from reasoner.errors import TransactionError, UsageError
from reasoner.transaction import Change, Workspace

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


def users_files(root: Path) -> dict[str, bytes]:
    return {path: content for path, content in files(root).items() if ".samebytes-" not in path}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, content in OLD.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def test_all_files_are_written_and_the_journal_goes(root: Path) -> None:
    os.chmod(root / "a.py", 0o755)
    Workspace(root).write(CHANGES)
    assert files(root) == NEW
    assert (root / "a.py").stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in (root / ".samebytes").iterdir()) == [".gitignore", "lock"]
    assert Workspace(root).recover() is None


def test_a_file_that_changed_meanwhile_stops_everything(root: Path) -> None:
    (root / "sub/b.py").write_bytes(b"other\n")
    with pytest.raises(TransactionError, match=r"sub/b\.py changed meanwhile"):
        Workspace(root).write(CHANGES)
    assert files(root) == OLD | {"sub/b.py": b"other\n"}


def test_a_failure_in_the_middle_takes_back_what_was_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Workspace._put

    def fails_at_delete(self: Workspace, path: str, old: bytes | None, new: bytes | None) -> None:
        if new is None and path == "gone.py":
            raise PermissionError(13, "Permission denied")
        real(self, path, old, new)

    monkeypatch.setattr(Workspace, "_put", fails_at_delete)
    with pytest.raises(TransactionError, match="nothing was written"):
        Workspace(root).write(CHANGES)
    assert files(root) == OLD
    assert not (root / ".samebytes/journal").exists()


def in_child_killed_at(point: int, root: Path, work) -> bool:
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
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for path, content in OLD.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content)


def test_kill_9_at_every_step_leaves_all_or_nothing_after_recovery(root: Path) -> None:
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
        assert not list((root / ".samebytes").glob("journal"))
        # and the folder works on
        Workspace(root).write([Change("a.py", users_files(root)["a.py"], b"last\n")])
        if not killed:
            break
    assert point > 20
    # Kills before, between and after the writes all occurred, and recovery finished the torn ones.
    assert {(False, False, False), (True, True, True), (False, True, True), (False, False, True)} <= seen


def test_kill_9_during_recovery_is_recovered_too(root: Path) -> None:
    point = 0
    while True:
        point += 1
        reset(root)
        # a kill right after the commit leaves the whole journal to work through
        Workspace(root).state.mkdir()
        Workspace(root)._commit(CHANGES)
        killed = in_child_killed_at(point, root, lambda: Workspace(root).recover())
        Workspace(root).recover()
        assert users_files(root) == NEW
        if not killed:
            break
    assert point > 5


def test_kill_9_while_taking_back_leaves_nothing(root: Path) -> None:
    def fails(workspace: Workspace) -> None:
        real = workspace._put
        workspace._put = lambda path, old, new: (  # type: ignore[method-assign]
            real(path, old, new) if path != "gone.py" else (_ for _ in ()).throw(OSError("disk"))
        )
        with pytest.raises(TransactionError):
            workspace.write(CHANGES)

    point, taken_back = 0, 0
    while True:
        point += 1
        reset(root)
        killed = in_child_killed_at(point, root, lambda: fails(Workspace(root)))
        rollback = (root / ".samebytes/journal/rollback").exists()
        Workspace(root).recover()
        assert users_files(root) in (OLD, NEW)
        if rollback:
            assert users_files(root) == OLD
            taken_back += 1
        if not killed:
            assert users_files(root) == OLD
            break
    assert taken_back > 3


def test_recovery_does_not_write_over_someone_elses_change(root: Path) -> None:
    Workspace(root).state.mkdir()
    Workspace(root)._commit(CHANGES)
    (root / "sub/b.py").write_bytes(b"mine\n")
    with pytest.raises(TransactionError, match=r"sub/b\.py was changed since; nothing was touched"):
        Workspace(root).recover()
    assert files(root) == OLD | {"sub/b.py": b"mine\n"}


def test_a_damaged_journal_is_not_followed(root: Path) -> None:
    Workspace(root).state.mkdir()
    Workspace(root)._commit(CHANGES)
    (root / ".samebytes/journal/new-0").write_bytes(b"evil\n")
    with pytest.raises(TransactionError, match=r"a\.py were changed"):
        Workspace(root).recover()
    assert files(root) == OLD


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/passwd", "a/../../x", ".samebytes/lock", ".git/config", ""]
)
def test_paths_stay_inside(root: Path, path: str) -> None:
    with pytest.raises(UsageError):
        Workspace(root).read(path)


def test_a_symbolic_link_does_not_lead_out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "link").symlink_to(outside)
    with pytest.raises(UsageError, match="symbolic link"):
        Workspace(root).read("link/x.py")
    with pytest.raises(TransactionError, match="symbolic link"):
        Workspace(root).write([Change("link/x.py", None, b"x")])
    assert list(outside.iterdir()) == []
