"""Compiled code is loaded only where nobody else can have put it there."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from kernels.native import CompileError, cache_folder, load_library


@pytest.fixture
def built(monkeypatch, tmp_path):
    """A small library in a cache folder of its own: (what compiles and loads it, its file)."""
    folder = tmp_path / "cache"
    source = tmp_path / "source" / "one.c"
    source.parent.mkdir()
    source.write_text("int one(void) { return 1; }\n")
    monkeypatch.setenv("SAMEBYTES_HOME", str(folder))

    def load() -> int:
        load_library.cache_clear()
        return load_library("native", source).one()

    assert load() == 1
    yield load, next(folder.glob("*.so"))
    load_library.cache_clear()


def _planted(path):
    other = path.parent.parent / "planted.c"
    other.write_text("int one(void) { return 666; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, other], check=True)


def test_a_library_in_the_cache_is_the_users_alone(built):
    _, path = built
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in path.parent.iterdir())


@pytest.mark.parametrize("how", ["other bytes", "no record", "a link", "others may write", "another's"])
def test_a_planted_library_is_not_loaded(built, how):
    load, path = built
    if how == "another's" and os.getuid() != 0:
        pytest.skip("giving a file away needs root")
    record = path.with_suffix(".sha256")
    path.unlink()
    _planted(path)
    if how != "other bytes":  # whoever plants it records its hash too
        record.write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    if how == "no record":
        record.unlink()
    elif how == "a link":
        path.rename(path.with_name("planted.so"))
        path.symlink_to(path.with_name("planted.so"))
    elif how == "others may write":
        path.chmod(0o666)
    elif how == "another's":
        os.chown(path, 12345, 12345)
    assert load() == 1
    assert path.stat().st_uid == os.geteuid()
    assert record.read_text() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("how", ["others may write", "another's"])
def test_a_cache_folder_of_others_is_refused(built, how):
    load, path = built
    if how == "another's":
        if os.getuid() != 0:
            pytest.skip("giving a folder away needs root")
        os.chown(path.parent, 12345, 12345)
    else:
        path.parent.chmod(0o777)
    with pytest.raises(CompileError, match="no code is loaded from it"):
        load()


def test_a_relative_xdg_cache_home_is_ignored(monkeypatch):
    monkeypatch.delenv("SAMEBYTES_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/folder")
    assert cache_folder() == Path.home() / ".cache" / "samebytes"
    monkeypatch.setenv("XDG_CACHE_HOME", "/absolute")
    assert cache_folder() == Path("/absolute/samebytes")
