"""Read a file, and replace it atomically: the only place of samebytes that writes to a user's file.

A reader of the file sees the old bytes or the new ones, whatever happens: the new bytes go to a temporary
file in the same directory, are flushed to disk, and take the name by one rename. The replacement happens
only if the file still has the bytes that the edit was computed from, and only inside the allowed root.

Kept: permission bits, owner and group, and extended attributes (access control lists among them), as far as
the process may set them. Not kept: the inode, so other hard links to the file keep the old bytes. A process
killed before the rename can leave a hidden `.NAME.samebytes-*` file behind; it is never read again.

POSIX only: directories are walked by descriptor, so a symbolic link swapped in meanwhile is not followed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class FileError(Exception):
    """A file could not be read or replaced; it is as it was. `path` is the path as given."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class FileMissingError(FileError):
    """There is no such file."""


class NotARegularFileError(FileError):
    """The path names a directory, a device, a socket or a pipe."""


class OutsideRootError(FileError):
    """The path leaves the allowed root, through `..` or a symbolic link."""


class FilePermissionError(FileError):
    """The permission bits of the file or of a directory forbid it."""


class FileChangedError(FileError):
    """The file no longer has the bytes that the edit was computed from."""


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """The bytes of a file at one moment. `path` is as given; `root` and `parts` say where it really is."""

    path: Path
    root: Path
    parts: tuple[str, ...]
    content: bytes
    sha256: str


def read_file(path: Path, root: Path) -> FileSnapshot:
    """Read a regular file that lies under `root` after every symbolic link is resolved. Raises FileError."""
    root = root.resolve()
    with _typed_errors(path):
        try:
            real = path.resolve(strict=True)
        except RuntimeError as error:  # a loop of symbolic links, before Python 3.13
            raise FileMissingError(path, "a loop of symbolic links") from error
    if real == root or not real.is_relative_to(root):
        raise OutsideRootError(path, f"is not under {root}; allow another folder with --root")
    parts = real.relative_to(root).parts
    with _typed_errors(path), _directory(path, root, parts[:-1]) as directory:
        content, _ = _read(path, directory, parts[-1])
    return FileSnapshot(path, root, parts, content, hashlib.sha256(content).hexdigest())


def replace_file(snapshot: FileSnapshot, content: bytes) -> None:
    """Replace the file by `content` if it still has the bytes of `snapshot`. Raises FileError.

    Programs that write through this function take turns, so none of their edits is lost. Another program can
    still write between the last check and the rename, a few microseconds apart.
    """
    path, name = snapshot.path, snapshot.parts[-1]
    temporary = f".{name}.samebytes-{secrets.token_hex(8)}"
    with _typed_errors(path), _directory(path, snapshot.root, snapshot.parts[:-1]) as directory:
        fcntl.flock(directory, fcntl.LOCK_EX)
        _, status = _unchanged(snapshot, directory)
        if not status.st_mode & 0o222:
            raise FilePermissionError(path, "is read-only; change its mode first (chmod u+w)")
        try:
            _write(directory, temporary, content, name, status)
            _unchanged(snapshot, directory)
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            raise
        os.fsync(directory)


@contextlib.contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissingError(path, "no such file") from error
    except PermissionError as error:
        raise FilePermissionError(path, f"permission denied ({error.strerror})") from error
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error


@contextlib.contextmanager
def _directory(path: Path, root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of the directory `parts` under `root`, no component of which is a symbolic link."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            try:
                child = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise OutsideRootError(path, f"{part} became a symbolic link meanwhile") from error
                raise
            os.close(descriptor)
            descriptor = child
        yield descriptor
    finally:
        os.close(descriptor)


def _read(path: Path, directory: int, name: str) -> tuple[bytes, os.stat_result]:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutsideRootError(path, "became a symbolic link meanwhile") from error
        if error.errno == errno.ENXIO:  # a socket
            raise NotARegularFileError(path, "is not a regular file") from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotARegularFileError(path, "is not a regular file")
    with open(descriptor, "rb") as file:
        return file.read(), status


def _unchanged(snapshot: FileSnapshot, directory: int) -> tuple[bytes, os.stat_result]:
    try:
        content, status = _read(snapshot.path, directory, snapshot.parts[-1])
    except FileNotFoundError as error:
        raise FileChangedError(snapshot.path, "was removed meanwhile") from error
    if hashlib.sha256(content).hexdigest() != snapshot.sha256:
        raise FileChangedError(snapshot.path, "changed meanwhile; nothing was written: apply the edit again")
    return content, status


def _write(directory: int, temporary: str, content: bytes, name: str, status: os.stat_result) -> None:
    """Write and flush the temporary file, with the owner, mode and attributes of the file it will replace."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600, dir_fd=directory)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        mode = stat.S_IMODE(status.st_mode)
        if not _keep_owner(descriptor, status):
            mode &= ~(stat.S_ISUID | stat.S_ISGID)  # these bits mean something else for another owner
        _keep_attributes(directory, name, descriptor)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _keep_owner(descriptor: int, status: os.stat_result) -> bool:
    """Give the file the owner and group of `status`, or at least the group; whether both are the same now."""
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) == (status.st_uid, status.st_gid):
        return True
    try:
        os.fchown(descriptor, status.st_uid, status.st_gid)
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, status.st_gid)
        return False
    return True


def _keep_attributes(directory: int, name: str, descriptor: int) -> None:
    """Copy extended attributes, which only Linux offers to Python; those that may not be set are left out."""
    if not hasattr(os, "listxattr"):
        return
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
    try:
        with contextlib.suppress(OSError):
            for attribute in os.listxattr(source):
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, attribute, os.getxattr(source, attribute))
    finally:
        os.close(source)
