"""The write-ahead journal of a transaction: the old and the new bytes of every file, on disk before the first
file is touched.

It takes its name by one rename, which is the moment of commitment, and is turned to taking back by another.
It is readable by its owner alone, whatever the files are, and everything goes through the descriptor of the
folder it lies in, so that nothing is written elsewhere when that folder is swapped for a link.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from applier.receipt import sha256
from applier.workspace.errors import TransactionError

_FORWARD, _BACK, _PLAN = "journal", "journal-back", "plan.json"
_SPENT = ("staged-", "done-")  # what a killed process leaves, and nobody reads


@dataclass(frozen=True, slots=True)
class Change:
    """One file: its bytes before and after; None where it does not exist."""

    path: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, slots=True)
class Step:
    """A change, the permission bits of the old file, and the folders that it makes, outer ones first."""

    change: Change
    mode: int | None = None
    makes: tuple[str, ...] = ()


class Journal:
    """The journal in the folder with the descriptor `directory`; `shown` is that folder for messages.

    Raises OSError where the disk fails, and TransactionError for a journal that cannot be followed.
    """

    def __init__(self, directory: int, shown: Path) -> None:
        self._directory, self._shown = directory, shown

    def commit(self, steps: Sequence[Step]) -> None:
        """Put the steps on disk. From now on they are finished, or taken back, whatever happens."""
        staged = f"staged-{secrets.token_hex(8)}"
        os.mkdir(staged, 0o700, dir_fd=self._directory)
        try:
            with self._open(staged) as folder:
                plan = []
                for number, step in enumerate(steps):
                    sides = {"old": step.change.old, "new": step.change.new}
                    for side, content in sides.items():
                        if content is not None:
                            _write_through(folder, f"{side}-{number}", content)
                    digests = {side: None if c is None else sha256(c) for side, c in sides.items()}
                    plan.append(
                        {"path": step.change.path, "mode": step.mode, "makes": list(step.makes), **digests}
                    )
                _write_through(folder, _PLAN, json.dumps(plan).encode())
                os.fsync(folder)
            self._rename(staged, _FORWARD)
        except BaseException:
            with contextlib.suppress(OSError):  # it had its name, but the folder could not be synced
                os.rename(_FORWARD, staged, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            self._remove(staged)
            raise

    def turn_back(self) -> None:
        """From now on the steps are taken back. A rename, since the disk may be full."""
        self._rename(_FORWARD, _BACK)

    def forget(self) -> None:
        """The steps are done, or taken back."""
        done = f"done-{secrets.token_hex(8)}"
        self._rename(_FORWARD if self._has(_FORWARD) else _BACK, done)
        self._remove(done)

    def sweep(self) -> None:
        """Remove what killed processes left half made."""
        for name in os.listdir(self._directory):
            if name.startswith(_SPENT):
                self._remove(name)

    def pending(self) -> tuple[list[Step], bool] | None:
        """The steps of a killed process, and whether they are to be finished; None without a journal."""
        forward = self._has(_FORWARD)
        name = _FORWARD if forward else _BACK
        if not forward and not self._has(_BACK):
            return None
        try:
            with self._open(name) as folder:
                status = os.fstat(folder)
                if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                    raise ValueError("it is not one that this user's samebytes made")
                return _read_steps(folder), forward
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TransactionError(
                f"the journal {self._shown / name} cannot be followed ({error}); look at it, then remove it"
            ) from None

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[int]:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._directory)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        os.fsync(self._directory)

    def _remove(self, name: str) -> None:
        shutil.rmtree(name, ignore_errors=True, dir_fd=self._directory)


def _read_steps(folder: int) -> list[Step]:
    steps = []
    for number, item in enumerate(json.loads(_read(folder, _PLAN))):
        old, new = (
            None if item[side] is None else _read(folder, f"{side}-{number}") for side in ("old", "new")
        )
        if [None if c is None else sha256(c) for c in (old, new)] != [item["old"], item["new"]]:
            raise ValueError(f"the bytes kept for {item['path']} were changed")
        steps.append(Step(Change(item["path"], old, new), item["mode"], tuple(item["makes"])))
    return steps


def _read(folder: int, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()


def _write_through(folder: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
