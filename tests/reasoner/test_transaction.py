"""All or nothing, at every point at which a process can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reasoner.errors import TransactionError, UsageError
from reasoner.transaction import Change, Workspace
from tests.reasoner.crash import CHANGES, NEW, OLD, files


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


@pytest.mark.parametrize("scenario", ["at_every_step", "during_recovery", "while_taking_back"])
def test_kill_9_leaves_all_or_nothing(root: Path, scenario: str) -> None:
    code = (
        f"import pathlib, sys; from tests.reasoner import crash; crash.{scenario}(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
