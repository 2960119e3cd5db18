"""All or nothing, at every point at which a process can be killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from applier.workspace.errors import NotEditableError, TransactionError
from applier.workspace.journal import Step
from applier.workspace.transaction import Change, Workspace
from tests.applier.workspace.crash import CHANGES, NEW, OLD, commit, files


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

    def fails_at_delete(self: Workspace, step: Step) -> None:
        if step.change.path == "gone.py":
            raise PermissionError(13, "Permission denied")
        real(self, step)

    monkeypatch.setattr(Workspace, "_put", fails_at_delete)
    with pytest.raises(TransactionError, match="nothing was written"):
        Workspace(root).write(CHANGES)
    assert files(root) == OLD
    assert not (root / "new").exists()
    assert not (root / ".samebytes/journal-back").exists()


@pytest.mark.parametrize("scenario", ["at_every_step", "during_recovery", "while_taking_back"])
def test_kill_9_leaves_all_or_nothing(root: Path, scenario: str) -> None:
    module = "tests.applier.workspace.crash"
    code = f"import pathlib, sys, {module}; {module}.{scenario}(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_recovery_does_not_write_over_someone_elses_change(root: Path) -> None:
    commit(root, CHANGES)
    (root / "sub/b.py").write_bytes(b"mine\n")
    with pytest.raises(TransactionError, match=r"sub/b\.py was changed since; nothing was touched"):
        Workspace(root).recover()
    assert files(root) == OLD | {"sub/b.py": b"mine\n"}


def test_a_damaged_journal_is_not_followed(root: Path) -> None:
    commit(root, CHANGES)
    (root / ".samebytes/journal/new-0").write_bytes(b"evil\n")
    with pytest.raises(TransactionError, match=r"a\.py were changed"):
        Workspace(root).recover()
    assert files(root) == OLD


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/passwd", "a/../../x", ".samebytes/lock", "", "a\0b", "x" * 300 + "/y"]
)
def test_paths_stay_inside(root: Path, path: str) -> None:
    with pytest.raises(NotEditableError):
        Workspace(root).read(path)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git/hooks/pre-commit",
        "sub/.GIT/config",
        ".git./config",
        "repo/.hg/hgrc",
        "gl/config",
    ],
)
def test_a_version_controls_own_files_are_never_edited(root: Path, path: str) -> None:
    (root / "sub/.git/hooks").mkdir(parents=True)
    (root / "gl").symlink_to("sub/.git")
    workspace = Workspace(root, ["*", ".git/**"])
    with pytest.raises(NotEditableError, match="version control"):
        workspace.read(path)
    with pytest.raises(TransactionError, match="version control"):
        workspace.write([Change(path, None, b"x")])
    assert not list((root / "sub/.git/hooks").iterdir())


@pytest.mark.parametrize(
    "path", [".vscode/tasks.json", "sub/.envrc", "a/.github/workflows/ci.yml", ".venv/lib/x.pth", "w/ci.yml"]
)
def test_what_tools_run_is_edited_only_where_that_is_allowed(root: Path, path: str) -> None:
    (root / ".github/workflows").mkdir(parents=True)
    (root / "w").symlink_to(".github/workflows")
    with pytest.raises(NotEditableError, match=r"tools run what is in .*--allow"):
        Workspace(root).read(path)
    assert Workspace(root, [path, ".github/workflows/**"]).read(path) is None


def test_ordinary_files_are_not_guarded(root: Path) -> None:
    for path in (
        "git/x",
        ".github/README.md",
        "src/config/a.py",
        "venvs/x.py",
        "profile",
        "a.git",
        "conftest.py",
    ):
        assert Workspace(root).read(path) is None


def test_a_symbolic_link_does_not_lead_out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "link").symlink_to(outside)
    with pytest.raises(NotEditableError, match="symbolic link"):
        Workspace(root).read("link/x.py")
    with pytest.raises(TransactionError, match="symbolic link"):
        Workspace(root).write([Change("link/x.py", None, b"x")])
    (root / ".samebytes").rename(root / "old")
    (root / ".samebytes").symlink_to(outside)
    with pytest.raises(TransactionError, match="is no folder"):
        Workspace(root).write(CHANGES)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("at", range(30))
def test_a_parent_swapped_for_a_link_changes_nothing_outside(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """`sub` becomes a link before the `at`-th call that opens a file or folder."""
    outside = tmp_path_factory.mktemp("outside")
    there = {"b.py": b"b = 1\r\n", "gone.py": b"g\n"}
    for name, content in there.items():
        (outside / name).write_bytes(content)
        (root / "sub" / name).write_bytes(content)
    real, left = os.open, [at]

    def swaps(*args: Any, **kwargs: Any) -> int:
        left[0] -= 1
        if left[0] == 0:
            (root / "sub").rename(root / "moved")
            (root / "sub").symlink_to(outside)
        return real(*args, **kwargs)

    monkeypatch.setattr(os, "open", swaps)
    changes = [
        Change("sub/b.py", b"b = 1\r\n", b"b = 2\r\n"),
        Change("sub/gone.py", b"g\n", None),
        Change("sub/new.py", None, b"n\n"),
    ]
    with contextlib.suppress(TransactionError, NotEditableError):
        Workspace(root).write(changes)
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == there


def test_the_journal_is_the_owners_alone(root: Path) -> None:
    secret = root / "a.py"
    secret.chmod(0o600)
    commit(root, CHANGES)
    for path in (root / ".samebytes").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (root / ".samebytes").stat().st_mode & 0o777 == 0o700
    (root / ".samebytes/journal").chmod(0o755)  # as it comes out of an archive or a clone
    with pytest.raises(TransactionError, match="not one that this user's samebytes made"):
        Workspace(root).recover()
    assert files(root) == OLD


def test_a_deleted_file_comes_back_with_its_mode(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "gone.py").chmod(0o600)
    real = Workspace._put

    def fails_at_the_end(self: Workspace, step: Step) -> None:
        if step.change.path == "a.py":
            raise OSError(28, "No space left on device")
        real(self, step)

    monkeypatch.setattr(Workspace, "_put", fails_at_the_end)
    with pytest.raises(TransactionError, match="No space left"):
        Workspace(root).write([*CHANGES[1:], CHANGES[0]])
    assert files(root) == OLD
    assert (root / "gone.py").stat().st_mode & 0o777 == 0o600
