"""A patch of several files and the files themselves: what it names is read, and all is written at once."""

from __future__ import annotations

from collections.abc import Sequence

from applier.patches.apply import mentioned_paths
from applier.patches.types import FileChange, SourceFile
from applier.workspace.errors import NotEditableError
from applier.workspace.journal import Change
from applier.workspace.transaction import Workspace


def read_mentioned(workspace: Workspace, patch: bytes) -> tuple[SourceFile, ...]:
    """The files that the patch names, as far as they are there and may be edited.

    A patch of one that may not be edited is refused when it is written, or looked at by `check`.
    """
    contents: dict[str, bytes] = {}

    def exists(path: str) -> bool:
        try:
            content = workspace.read(path)
        except NotEditableError:
            return False
        if content is not None:
            contents[path] = content
        return content is not None

    return tuple(SourceFile(path, contents[path]) for path in mentioned_paths(patch, exists))


def check(workspace: Workspace, changes: Sequence[FileChange]) -> None:
    """Raises NotEditableError where one of the files may not be written."""
    for change in changes:
        workspace.inside(change.path)


def write(workspace: Workspace, changes: Sequence[FileChange]) -> None:
    """All of the changes or none. Raises TransactionError and NotEditableError."""
    workspace.write([Change(change.path, change.old, change.new) for change in changes])
