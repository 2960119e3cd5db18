"""Several files written all or nothing, also when the process is killed between two of them.

A write-ahead journal under `.samebytes/` holds the old and the new bytes of every file. A process killed
before it is committed has changed nothing, and one killed after it leaves a journal from which `recover`
finishes the work. When a write fails in a living process, what was written is taken back, under the
same protection.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from applier.files import (
    FileError,
    FileMissingError,
    create_file,
    delete_file,
    read_file,
    remove_folder,
    remove_leftovers,
    replace_file,
)
from applier.workspace.errors import NotEditableError, TransactionError
from applier.workspace.guarded import why_guarded
from applier.workspace.journal import Change, Journal, Step

STATE_DIRECTORY = ".samebytes"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What recovery did with a journal it found."""

    paths: tuple[str, ...]
    forward: bool  # finished, or taken back


class Workspace:
    """The folder whose files are edited. Paths are relative to it, with forward slashes."""

    def __init__(self, root: Path, allowed: Sequence[str] = ()) -> None:
        """`allowed`: patterns of guarded places that may be edited; see `applier.workspace.guarded`.

        Raises NotEditableError where `root` is no folder.
        """
        if not root.is_dir():
            raise NotEditableError(f"{root} is not a folder")
        self.root = root.resolve()
        self.state = self.root / STATE_DIRECTORY
        self._allowed = tuple(allowed)

    def prepare(self) -> None:
        """Make the folder for journal and ledger, for this user alone, and keep it out of git.

        Raises TransactionError.
        """
        with _typed(f"{self.state} cannot be used"), self._state():
            pass

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None where there is none. Raises NotEditableError where it is not here."""
        try:
            return read_file(self.inside(path), self.root).content
        except FileMissingError:
            return None
        except FileError as error:
            raise NotEditableError(str(error)) from None

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises TransactionError where a file is no longer as it was, or a write fails; the files are then as
        they were, or the message says which one is not.
        """
        with _typed("nothing was written"), self._journal() as journal:
            self._unguarded()._recover(journal)
            for change in changes:
                if self._now(change.path) != change.old:
                    raise TransactionError(f"{change.path} changed meanwhile; nothing was written: run again")
            steps = self._steps(changes)
            journal.commit(steps)
            try:
                for step in steps:
                    self._put(step)
            except (FileError, OSError) as error:
                self._take_back(journal, steps)
                raise TransactionError(f"{error}; nothing was written") from None
            with _typed("all files were written, but the journal could not be removed: the next run does it"):
                journal.forget()

    def recover(self) -> Recovered | None:
        """Finish what a killed process began, and remove what it left; None where nothing was begun.

        Raises TransactionError where a file was changed by someone else since; nothing is touched then.
        """
        if not os.path.lexists(self.state):
            return None
        with _typed("an earlier run is not finished yet: try again"), self._journal() as journal:
            return self._unguarded()._recover(journal)

    def _unguarded(self) -> Workspace:
        """For a journal, whose run was allowed what it began."""
        return Workspace(self.root, ("*",))

    def inside(self, path: str) -> Path:
        """The full path of a file, there or not. Raises NotEditableError where it may not be edited."""
        pure = PurePosixPath(path)
        if "\0" in path or pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise NotEditableError(f"{path!r} is not a path inside {self.root}")
        full = self.root / pure
        try:
            real = full.resolve()
            parent = full.parent.resolve()
        except (OSError, RuntimeError) as error:  # a loop of symbolic links, a name that is too long
            raise NotEditableError(f"{path} is not a path: {error}") from None
        if not parent.is_relative_to(self.root):
            raise NotEditableError(f"{path} leads out of {self.root} by a symbolic link")
        places = [pure.parts, (*parent.relative_to(self.root).parts, pure.name)]
        if real.is_relative_to(self.root):
            places.append(real.relative_to(self.root).parts)
        for parts in dict.fromkeys(places):
            if parts[0] == STATE_DIRECTORY:
                raise NotEditableError(f"{path} is not for editing: it is samebytes' own")
            if why := why_guarded(parts, self._allowed):
                raise NotEditableError(f"{path} is not for editing: {why}")
        return full

    def _now(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except NotEditableError as error:
            raise TransactionError(str(error)) from None

    @contextlib.contextmanager
    def _state(self) -> Iterator[int]:
        """A descriptor of the folder for journal and ledger, made where it is not there."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.state, 0o700)
        try:
            directory = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except NotADirectoryError:  # a symbolic link too
            raise TransactionError(f"{self.state} is no folder; samebytes keeps its journal there") from None
        try:
            with contextlib.suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with open(os.open(".gitignore", flags, 0o600, dir_fd=directory), "wb") as ignore:
                    ignore.write(b"*\n")
            yield directory
        finally:
            os.close(directory)

    @contextlib.contextmanager
    def _journal(self) -> Iterator[Journal]:
        """The journal, for one transaction at a time among all processes."""
        with self._state() as directory:
            lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=directory)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                journal = Journal(directory, self.state)
                journal.sweep()
                yield journal
            finally:
                os.close(lock)

    def _steps(self, changes: Sequence[Change]) -> list[Step]:
        steps, made = [], set[str]()
        for change in changes:
            mode, makes = None, []
            if change.old is not None:
                mode = read_file(self.inside(change.path), self.root).mode
            else:
                for folder in reversed(PurePosixPath(change.path).parents):
                    if str(folder) not in made and not (self.root / folder).exists():
                        makes.append(str(folder))
            made.update(makes)
            steps.append(Step(change, mode, tuple(makes)))
        return steps

    def _put(self, step: Step) -> None:
        """Turn a file from its old bytes into its new ones. Raises FileError or OSError."""
        self._turn(step.change.path, step.change.old, step.change.new, None)

    def _turn(self, path: str, now: bytes | None, then: bytes | None, mode: int | None) -> None:
        full = self.inside(path)
        if now == then:
            return
        if now is None:
            assert then is not None
            create_file(full, self.root, then, mode)
            return
        snapshot = read_file(full, self.root)
        if snapshot.content != now:
            raise FileError(full, "changed meanwhile")
        if then is None:
            delete_file(snapshot)
        else:
            replace_file(snapshot, then)

    def _take_back(self, journal: Journal, steps: Sequence[Step]) -> None:
        with _typed("a write failed, and what was written is not taken back yet: the next run goes on"):
            journal.turn_back()
            self._undo(steps)
            journal.forget()

    def _undo(self, steps: Sequence[Step]) -> None:
        for step in reversed(steps):
            change = step.change
            try:
                full = self.inside(change.path)
                if self._now(change.path) == change.new:
                    self._turn(change.path, change.new, change.old, step.mode)
                remove_leftovers(full, self.root)
                for folder in reversed(step.makes):
                    remove_folder(self.root / folder, self.root)
            except (FileError, OSError, NotEditableError) as error:
                raise TransactionError(
                    f"{change.path} could not be put back as it was ({error}); its old bytes are under "
                    f"{self.state}, and the next run tries again"
                ) from None

    def _recover(self, journal: Journal) -> Recovered | None:
        found = journal.pending()
        if found is None:
            return None
        steps, forward = found
        for step in steps:
            change = step.change
            if self._now(change.path) not in (change.old, change.new):
                raise TransactionError(
                    f"an earlier run was killed while writing, and {change.path} was changed since; nothing "
                    f"was touched. The old and new bytes are in the journal under {self.state}: put the file "
                    "in order, then remove that journal"
                )
        if forward:
            for step in steps:
                if self._now(step.change.path) != step.change.new:
                    self._put(step)
                remove_leftovers(self.inside(step.change.path), self.root)
        else:
            self._undo(steps)
        journal.forget()
        return Recovered(tuple(step.change.path for step in steps), forward)


@contextlib.contextmanager
def _typed(what: str) -> Iterator[None]:
    """A failure of the disk as a TransactionError that says what it means."""
    try:
        yield
    except (FileError, OSError) as error:
        raise TransactionError(f"{error}; {what}") from error
