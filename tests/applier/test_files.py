"""Reading and atomically replacing files."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from applier import files

OLD = b"old line\r\n" * 1000
NEW = b"new line\n" * 2000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "sub" / "file.txt"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def leftovers(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if "samebytes" in name]


def test_replace_writes_the_new_bytes_and_nothing_else(target, tmp_path):
    files.replace_file(files.read_file(target, tmp_path), NEW)
    assert target.read_bytes() == NEW
    assert os.listdir(target.parent) == ["file.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o664, 0o4755])
def test_mode_is_kept(target, tmp_path, mode):
    target.chmod(mode)
    files.replace_file(files.read_file(target, tmp_path), NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.skipif(os.getuid() != 0, reason="giving a file away needs root")
def test_owner_is_kept(target, tmp_path):
    os.chown(target, 12345, 54321)
    files.replace_file(files.read_file(target, tmp_path), NEW)
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 54321)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes in Python here")
def test_extended_attributes_are_kept(target, tmp_path):
    try:
        os.setxattr(target, "user.samebytes", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    files.replace_file(files.read_file(target, tmp_path), NEW)
    assert os.getxattr(target, "user.samebytes") == b"kept"


def test_a_read_only_file_is_not_replaced(target, tmp_path):
    target.chmod(0o444)
    with pytest.raises(files.FilePermissionError, match="read-only"):
        files.replace_file(files.read_file(target, tmp_path), NEW)
    assert target.read_bytes() == OLD
    assert leftovers(target.parent) == []


def test_a_symbolic_link_inside_the_root_stays_and_its_target_is_replaced(target, tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    files.replace_file(files.read_file(link, tmp_path), NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("escape", ["dotdot", "file link", "directory link", "the root itself"])
def test_paths_that_leave_the_root_are_refused(target, tmp_path, escape):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(target)
    (root / "dir").symlink_to(target.parent, target_is_directory=True)
    path = {
        "dotdot": root / ".." / "sub" / "file.txt",
        "file link": root / "link.txt",
        "directory link": root / "dir" / "file.txt",
        "the root itself": root,
    }[escape]
    with pytest.raises(files.OutsideRootError):
        files.read_file(path, root)
    assert target.read_bytes() == OLD


def test_a_directory_swapped_for_a_link_after_reading_is_not_followed(target, tmp_path):
    root = tmp_path / "sub"
    (root / "inner").mkdir()
    inside = root / "inner" / "file.txt"
    inside.write_bytes(OLD)
    snapshot = files.read_file(inside, root)
    outside = tmp_path / "outside"
    (root / "inner").rename(outside)
    (root / "inner").symlink_to(outside, target_is_directory=True)
    with pytest.raises(files.OutsideRootError):
        files.replace_file(snapshot, NEW)
    assert (outside / "file.txt").read_bytes() == OLD


def test_a_changed_file_is_not_replaced(target, tmp_path):
    snapshot = files.read_file(target, tmp_path)
    target.write_bytes(OLD + b"someone else's line\n")
    with pytest.raises(files.FileChangedError):
        files.replace_file(snapshot, NEW)
    assert target.read_bytes() == OLD + b"someone else's line\n"
    assert leftovers(target.parent) == []


def test_a_change_while_the_new_bytes_are_written_is_noticed(target, tmp_path, monkeypatch):
    snapshot = files.read_file(target, tmp_path)
    flush = os.fsync

    def change_then_flush(descriptor: int) -> None:
        target.write_bytes(b"someone else's bytes")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", change_then_flush)
    with pytest.raises(files.FileChangedError):
        files.replace_file(snapshot, NEW)
    assert target.read_bytes() == b"someone else's bytes"
    assert leftovers(target.parent) == []


def test_a_removed_file_is_not_made_again(target, tmp_path):
    snapshot = files.read_file(target, tmp_path)
    target.unlink()
    with pytest.raises(files.FileChangedError):
        files.replace_file(snapshot, NEW)
    assert os.listdir(target.parent) == []


def test_what_is_not_a_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "directory"):
        with pytest.raises(files.NotARegularFileError):
            files.read_file(tmp_path / name, tmp_path)


def test_missing_files_and_loops_are_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("missing", "loop", "missing/file"):
        with pytest.raises(files.FileError):
            files.read_file(tmp_path / name, tmp_path)


def test_other_hard_links_keep_the_old_bytes(target, tmp_path):
    other = tmp_path / "other"
    os.link(target, other)
    files.replace_file(files.read_file(target, tmp_path), NEW)
    assert target.read_bytes() == NEW
    assert other.read_bytes() == OLD


def test_a_full_disk_leaves_the_file_and_no_temporary(target, tmp_path, monkeypatch):
    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(files.FileError, match="No space left"):
        files.replace_file(files.read_file(target, tmp_path), NEW)
    assert target.read_bytes() == OLD
    assert leftovers(target.parent) == []


def test_of_many_writers_from_one_snapshot_exactly_one_wins(target, tmp_path):
    snapshot = files.read_file(target, tmp_path)
    won: list[int] = []

    def write(writer: int) -> None:
        try:
            files.replace_file(snapshot, b"%d" % writer)
        except files.FileChangedError:
            return
        won.append(writer)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert target.read_bytes() == b"%d" % won[0]


KILLED = """
import os, signal, sys
from pathlib import Path
from applier import files

step, occurrence = sys.argv[2], int(sys.argv[3])
real = getattr(os, step)
calls = 0

def dying(*args, **kwargs):
    global calls
    calls += 1
    if calls == occurrence:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

path = Path(sys.argv[1])
snapshot = files.read_file(path, path.parent)
setattr(os, step, dying)
files.replace_file(snapshot, b"new line\\n" * 2000)
"""


@pytest.mark.parametrize(
    ("step", "occurrence", "expected"),
    [
        ("open", 1, OLD),
        ("open", 2, OLD),
        ("open", 3, OLD),
        ("fchmod", 1, OLD),
        ("fsync", 1, OLD),
        ("open", 4, OLD),
        ("open", 5, OLD),
        ("replace", 1, OLD),
        ("fsync", 2, NEW),
    ],
)
def test_kill_at_any_step_leaves_the_old_bytes_or_the_new(target, step, occurrence, expected):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(target), step, str(occurrence)],
        cwd=Path(files.__file__).parents[1],
    )
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == expected
