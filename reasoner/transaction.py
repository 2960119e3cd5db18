"""Several files written all or nothing, also when the process is killed between two of them.

A write-ahead journal under `.samebytes/` holds the old and the new bytes of every file. It takes its name by
one rename, which is the moment of commitment: a process killed before it has changed nothing, and one killed
after it leaves a journal from which `recover` finishes the work. When a write fails in a living process, what
was written is taken back, under the same protection.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from applier.files import FileError, FileMissingError, read_file, replace_file
from reasoner.digest import sha256
from reasoner.errors import TransactionError, UsageError

STATE_DIRECTORY = ".samebytes"
_JOURNAL, _PLAN, _ROLLBACK = "journal", "plan.json", "rollback"


@dataclass(frozen=True, slots=True)
class Change:
    """One file: its bytes before and after; None where it does not exist."""

    path: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What recovery did with a journal it found."""

    paths: tuple[str, ...]
    forward: bool  # finished, or taken back


class Workspace:
    """The folder whose files are edited. Paths are relative to it, with forward slashes."""

    def __init__(self, root: Path) -> None:
        """Raises UsageError where `root` is no folder."""
        if not root.is_dir():
            raise UsageError(f"{root} is not a folder")
        self.root = root.resolve()
        self.state = self.root / STATE_DIRECTORY

    def prepare(self) -> None:
        """Make the folder for journal and ledger, and keep it out of git."""
        self.state.mkdir(exist_ok=True)
        ignore = self.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None where there is none. Raises UsageError for what is no file in here."""
        try:
            return read_file(self._inside(path), self.root).content
        except FileMissingError:
            return None
        except FileError as error:
            raise UsageError(str(error)) from None

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises TransactionError where a file is no longer as it was, or a write fails; the files are then as
        they were, or the message says which one is not.
        """
        with self._locked():
            self._recover()
            for change in changes:
                if self._now(change.path) != change.old:
                    raise TransactionError(f"{change.path} changed meanwhile; nothing was written: run again")
            self._commit(changes)
            try:
                for change in changes:
                    self._put(change.path, change.old, change.new)
            except (FileError, OSError) as error:
                self._take_back(changes)
                raise TransactionError(f"{error}; nothing was written") from None
            self._forget()

    def recover(self) -> Recovered | None:
        """Finish what a killed process began; None where there is nothing to finish.

        Raises TransactionError where a file was changed by someone else since; nothing is touched then.
        """
        if not (self.state / _JOURNAL).exists():
            return None
        with self._locked():
            return self._recover()

    def _inside(self, path: str) -> Path:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise UsageError(f"{path!r} is not a path inside {self.root}")
        if pure.parts[0] in (STATE_DIRECTORY, ".git"):
            raise UsageError(f"{path} is not for editing")
        full = self.root / pure
        if not full.parent.resolve().is_relative_to(self.root):
            raise UsageError(f"{path} leads out of {self.root} by a symbolic link")
        return full

    def _now(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except UsageError as error:
            raise TransactionError(str(error)) from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One transaction at a time in this folder, among all processes."""
        self.prepare()
        with (self.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _commit(self, changes: Sequence[Change]) -> None:
        staged = self.state / f"staged-{secrets.token_hex(8)}"
        staged.mkdir()
        plan = []
        for number, change in enumerate(changes):
            for side, content in (("old", change.old), ("new", change.new)):
                if content is not None:
                    _write_through(staged / f"{side}-{number}", content)
            plan.append(
                {
                    "path": change.path,
                    "old": None if change.old is None else sha256(change.old),
                    "new": None if change.new is None else sha256(change.new),
                }
            )
        _write_through(staged / _PLAN, json.dumps(plan).encode())
        _sync_directory(staged)
        os.rename(staged, self.state / _JOURNAL)
        _sync_directory(self.state)

    def _put(self, path: str, old: bytes | None, new: bytes | None) -> None:
        """Turn a file from `old` into `new`. Raises FileError or OSError."""
        full = self._inside(path)
        if old == new:
            return
        if old is None:
            assert new is not None
            full.parent.mkdir(parents=True, exist_ok=True)
            temporary = full.with_name(f".{full.name}.samebytes-{secrets.token_hex(8)}")
            _write_through(temporary, new)
            try:
                os.link(temporary, full)  # unlike a rename, this does not replace a file that came meanwhile
            finally:
                temporary.unlink()
            _sync_directory(full.parent)
            return
        snapshot = read_file(full, self.root)
        if snapshot.content != old:
            raise FileError(full, "changed meanwhile")
        if new is None:
            full.unlink()
            _sync_directory(full.parent)
        else:
            replace_file(snapshot, new)

    def _take_back(self, changes: Sequence[Change]) -> None:
        _write_through(self.state / _JOURNAL / _ROLLBACK, b"")
        _sync_directory(self.state / _JOURNAL)
        self._undo(changes)
        self._forget()

    def _undo(self, changes: Sequence[Change]) -> None:
        for change in reversed(changes):
            try:
                if self._now(change.path) == change.new:
                    self._put(change.path, change.new, change.old)
            except (FileError, OSError) as error:
                raise TransactionError(
                    f"{change.path} has its new bytes and could not be put back ({error}); its old bytes are "
                    f"under {self.state / _JOURNAL}, and the next run tries again"
                ) from None

    def _recover(self) -> Recovered | None:
        for leftover in (*self.state.glob("staged-*"), *self.state.glob("done-*")):
            shutil.rmtree(leftover, ignore_errors=True)
        journal = self.state / _JOURNAL
        if not journal.exists():
            return None
        changes = _read_journal(journal)
        for change in changes:
            if self._now(change.path) not in (change.old, change.new):
                raise TransactionError(
                    f"an earlier run was killed while writing, and {change.path} was changed since; nothing "
                    f"was touched. The old and new bytes are under {journal}: put the file in order, then "
                    "remove that folder"
                )
        forward = not (journal / _ROLLBACK).exists()
        if forward:
            for change in changes:
                if self._now(change.path) != change.new:
                    self._put(change.path, change.old, change.new)
        else:
            self._undo(changes)
        self._forget()
        return Recovered(tuple(change.path for change in changes), forward)

    def _forget(self) -> None:
        done = self.state / f"done-{secrets.token_hex(8)}"
        os.rename(self.state / _JOURNAL, done)
        _sync_directory(self.state)
        shutil.rmtree(done, ignore_errors=True)


def _read_journal(journal: Path) -> list[Change]:
    try:
        plan = json.loads((journal / _PLAN).read_bytes())
        changes = []
        for number, item in enumerate(plan):
            sides = [
                None if item[side] is None else (journal / f"{side}-{number}").read_bytes()
                for side in ("old", "new")
            ]
            if [None if c is None else sha256(c) for c in sides] != [item["old"], item["new"]]:
                raise ValueError(f"the bytes kept for {item['path']} were changed")
            changes.append(Change(item["path"], *sides))
        return changes
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TransactionError(
            f"the journal {journal} cannot be read ({error}); look at it, then remove it"
        ) from None


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
