"""Read, replace, create and delete a file: the only place of samebytes that writes to a user's file.

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
import re
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


class FileExistsAlreadyError(FileError):
    """There is a file where one was to be created."""


class NoSpaceError(FileError):
    """The disk, or the user's share of it, is full."""


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """The bytes of a file at one moment. `path` is as given; `root` and `parts` say where it really is."""

    path: Path
    root: Path
    parts: tuple[str, ...]
    content: bytes
    sha256: str
    mode: int = 0o644  # permission bits


def read_file(path: Path, root: Path) -> FileSnapshot:
    """Read a regular file that lies under `root` after every symbolic link is resolved. Raises FileError."""
    with _typed_errors(path):
        root = root.resolve()
        parts = _parts(path, path.resolve(strict=True), root)
        with _directory(path, root, parts[:-1]) as directory:
            content, status = _read(path, directory, parts[-1])
    sha256 = hashlib.sha256(content).hexdigest()
    return FileSnapshot(path, root, parts, content, sha256, stat.S_IMODE(status.st_mode))


def replace_file(snapshot: FileSnapshot, content: bytes) -> None:
    """Replace the file by `content` if it still has the bytes of `snapshot`. Raises FileError.

    Programs that write through this function take turns, so none of their edits is lost. Another program can
    still write between the last check and the rename, a few microseconds apart.
    """
    path, name = snapshot.path, snapshot.parts[-1]
    with _typed_errors(path), _alone_in(path, snapshot.root, snapshot.parts[:-1]) as directory:
        _, status = _unchanged(snapshot, directory)
        if not status.st_mode & 0o222:
            raise FilePermissionError(path, "is read-only; change its mode first (chmod u+w)")
        with _temporary(directory, name) as temporary:
            _write(directory, temporary, content, name, status)
            _unchanged(snapshot, directory)
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        _sync(path, directory, "was replaced")


def create_file(path: Path, root: Path, content: bytes, mode: int | None = None) -> None:
    """Create a file that is not there, with its folders, under `root`. Raises FileError.

    `mode` is its permission bits; None: as the process makes files.
    """
    with _typed_errors(path):
        root = root.resolve()
        parts = (*_parts(path, path.parent.resolve(), root, or_root=True), path.name)
        with (
            _alone_in(path, root, parts[:-1], make=True) as directory,
            _temporary(directory, path.name) as temporary,
        ):
            _create(directory, temporary, content, mode)
            try:  # unlike a rename, a link does not replace a file that came meanwhile
                os.link(
                    temporary, path.name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False
                )
            except FileExistsError as error:
                raise FileExistsAlreadyError(path, "came into being meanwhile") from error
            os.unlink(temporary, dir_fd=directory)
            _sync(path, directory, "was created")


def delete_file(snapshot: FileSnapshot) -> None:
    """Delete the file if it still has the bytes of `snapshot`. Raises FileError."""
    path = snapshot.path
    with _typed_errors(path), _alone_in(path, snapshot.root, snapshot.parts[:-1]) as directory:
        _unchanged(snapshot, directory)
        os.unlink(snapshot.parts[-1], dir_fd=directory)
        _sync(path, directory, "was deleted")


def remove_leftovers(path: Path, root: Path) -> None:
    """Remove the temporary files that killed processes left beside `path`, and sync the folder.

    Processes that write there now are waited for. Raises FileError.
    """
    with _typed_errors(path):
        root = root.resolve()
        parts = _parts(path, path.parent.resolve(), root, or_root=True)
        leftover = re.compile(rf"\.{re.escape(path.name)}\.samebytes-[0-9a-f]{{16}}")
        with contextlib.suppress(FileNotFoundError), _alone_in(path, root, parts) as directory:
            for name in os.listdir(directory):
                if leftover.fullmatch(name):
                    os.unlink(name, dir_fd=directory)
            os.fsync(directory)


def remove_folder(path: Path, root: Path) -> None:
    """Remove a folder under `root` if it is empty. Raises FileError."""
    with _typed_errors(path):
        root = root.resolve()
        parts = _parts(path, path.resolve(), root)
        with contextlib.suppress(FileNotFoundError), _directory(path, root, parts[:-1]) as directory:
            try:
                os.rmdir(parts[-1], dir_fd=directory)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise


def _parts(path: Path, real: Path, root: Path, or_root: bool = False) -> tuple[str, ...]:
    """`real` seen from `root`. Raises OutsideRootError."""
    if not real.is_relative_to(root) or (real == root and not or_root):
        raise OutsideRootError(path, f"is not under {root}; allow another folder with --root")
    return real.relative_to(root).parts


@contextlib.contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissingError(path, "no such file") from error
    except PermissionError as error:
        raise FilePermissionError(path, f"permission denied ({error.strerror})") from error
    except OSError as error:
        kind = NoSpaceError if error.errno in (errno.ENOSPC, errno.EDQUOT) else FileError
        raise kind(path, error.strerror or str(error)) from error
    except RuntimeError as error:  # a loop of symbolic links, before Python 3.13
        raise FileMissingError(path, "a loop of symbolic links") from error
    except ValueError as error:  # a NUL, which no path can have
        raise FileError(Path(repr(str(path))), "is no path") from error


@contextlib.contextmanager
def _directory(path: Path, root: Path, parts: tuple[str, ...], make: bool = False) -> Iterator[int]:
    """A descriptor of the directory `parts` under `root`, no component of which is a symbolic link.

    `make`: those that are missing are made.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
                    os.fsync(descriptor)
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


@contextlib.contextmanager
def _alone_in(path: Path, root: Path, parts: tuple[str, ...], make: bool = False) -> Iterator[int]:
    """As `_directory`, with no other process of samebytes writing in it."""
    with _directory(path, root, parts, make) as directory:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield directory


@contextlib.contextmanager
def _temporary(directory: int, name: str) -> Iterator[str]:
    """A name for a temporary file, of which nothing is left behind where the block fails."""
    temporary = f".{name}.samebytes-{secrets.token_hex(8)}"
    try:
        yield temporary
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _sync(path: Path, directory: int, done: str) -> None:
    """Make what was done in a directory last. Raises FileError, which says that it was done."""
    try:
        os.fsync(directory)
    except OSError as error:
        raise FileError(path, f"{done}, but its folder could not be synced: {error.strerror}") from error


def _read(path: Path, directory: int, name: str) -> tuple[bytes, os.stat_result]:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutsideRootError(path, "became a symbolic link meanwhile") from error
        if error.errno == errno.ENXIO:  # a socket
            raise NotARegularFileError(path, "is not a regular file") from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotARegularFileError(path, "is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(), status
    finally:
        os.close(descriptor)


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


def _create(directory: int, name: str, content: bytes, mode: int | None) -> None:
    """Write and flush a new file, which nobody else can read before it has its mode."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(name, flags, 0o666 if mode is None else 0o600, dir_fd=directory), "wb") as file:
        file.write(content)
        file.flush()
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


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
