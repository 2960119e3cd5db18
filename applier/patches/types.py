"""What a patch of several files is, what comes in with it, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from applier.types import EditFormat, EditOptions, EditResult, LineRange, Receipt, RefusalReason, Status


class Action(StrEnum):
    """What an edit does to its file."""

    UPDATE = "update"
    CREATE = "create"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ProposedEdit:
    """One edit of one file as it was written. `line` is where it starts in the text, from 1.

    `rows` are the lines of the text that the lines of `edit` stand on; empty where it starts at `line` and
    goes on from there. `moved_to` is the file's new path. An edit without text only moves or deletes.
    """

    path: str
    text: str
    format: EditFormat
    action: Action = Action.UPDATE
    line: int = 1
    moved_to: str | None = None
    rows: tuple[int, ...] = ()

    def row(self, line: int | None) -> int:
        """The line of the whole text that is `line` of this edit, both from 1."""
        if line is None or not 0 < line <= max(len(self.rows), 1):
            return self.line
        return self.rows[line - 1] if self.rows else self.line + line - 1


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the text that could not be used, with what to do instead."""

    message: str
    line: int | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it is. `path` is relative, with forward slashes."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PatchRequest:
    """A patch with the files that it may change or look at; a file that is not among them does not exist."""

    files: tuple[SourceFile, ...]
    patch: bytes
    instruction: str = ""
    options: EditOptions = field(default_factory=EditOptions)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after; None where there is none. `moved_from` is the path it came from."""

    path: str
    old: bytes | None
    new: bytes | None
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class PatchRefusal:
    """Why one part of the patch could not be applied, and so none was. `patch_line` counts from 1."""

    path: str
    reason: RefusalReason
    message: str
    patch_line: int | None = None
    candidates: tuple[LineRange, ...] = ()


@dataclass(frozen=True, slots=True)
class PatchResult:
    """The answer. `changes` are what to write, by path; empty unless the status is APPLIED. `edits` are the
    results of the parts, in the order of the patch, as far as they were tried.
    """

    status: Status
    changes: tuple[FileChange, ...]
    diff: bytes
    receipt: Receipt
    refusals: tuple[PatchRefusal, ...] = ()
    edits: tuple[tuple[str, EditResult], ...] = ()
