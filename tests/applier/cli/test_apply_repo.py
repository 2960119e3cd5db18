"""`samebytes apply --repo`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import applier
from tests.applier.patches.test_apply import AFTER, FILES, V4A


@pytest.fixture
def repo(tmp_path) -> Path:
    for path, content in FILES.items():
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).write_bytes(content)
    return tmp_path / "repo"


def samebytes(repo: Path, patch: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "applier.cli",
        "apply",
        "--repo",
        str(repo),
        "--edit",
        "-",
        "--exact-only",
    ]
    root = Path(applier.__file__).parents[1]
    return subprocess.run([*command, *arguments], input=patch, capture_output=True, text=True, cwd=root)


def contents(repo: Path) -> dict[str, bytes]:
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in repo.rglob("*")
        if path.is_file() and ".samebytes" not in path.parts
    }


def test_a_patch_is_shown_and_then_written(repo):
    shown = samebytes(repo, V4A)
    assert (shown.returncode, "not written" in shown.stdout) == (0, True)
    assert "rename to sub/new name.txt" in shown.stdout
    assert contents(repo) == FILES
    done = samebytes(repo, V4A, "--write", "--json")
    assert done.returncode == 0, done.stderr
    fields = json.loads(done.stdout)
    assert (fields["written"], fields["status"]) == (True, "applied")
    assert fields["receipt"]["request_sha256"] in shown.stdout
    assert contents(repo) == AFTER


def test_one_part_that_fails_changes_no_file(repo):
    done = samebytes(repo, V4A.replace("gone.txt", "never.txt"), "--write")
    assert done.returncode == 3
    assert "line 17 of the patch: never.txt: file_missing" in done.stdout
    assert contents(repo) == FILES


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("*** Begin Patch\n*** Add File: .git/hooks/x\n+x\n*** End Patch\n", "version control"),
        ("*** Begin Patch\n*** Add File: out/x\n+x\n*** End Patch\n", "leads out of"),
    ],
)
def test_places_that_are_not_for_editing(repo, tmp_path, patch, says):
    (tmp_path / "outside").mkdir()
    (repo / "out").symlink_to(tmp_path / "outside")
    done = samebytes(repo, patch, "--write")
    assert (done.returncode, says in done.stderr) == (2, True)
    assert not list((tmp_path / "outside").iterdir())


def test_a_file_beside_a_folder_is_wrong_usage(repo):
    done = samebytes(repo, V4A, "src/app.py")
    assert (done.returncode, "no FILE" in done.stderr) == (2, True)
