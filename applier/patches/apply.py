"""A patch of several files applied to their bytes: all of it, or nothing.

The parts are applied in the order in which they are written, each to what the parts before it left.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from applier.patches.diffs import render
from applier.patches.paths import spelled_paths
from applier.patches.receipts import patch_receipt
from applier.patches.scan import extract
from applier.patches.types import Action, FileChange, PatchRefusal, PatchRequest, PatchResult, ProposedEdit
from applier.types import AppliesEdits, EditRequest, EditResult, RefusalReason, Status

_LINE = re.compile(r"^Line (\d+) of the edit:")


class _Refused(Exception):
    """This part cannot be applied."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def apply_patch(applier: AppliesEdits, request: PatchRequest) -> PatchResult:
    """The answer to one patch. A refusal names every part that could not be applied, not the first alone.

    Raises what `applier.apply` raises.
    """
    return _Run(applier, request).result()


class _Run:
    def __init__(self, applier: AppliesEdits, request: PatchRequest) -> None:
        self.applier, self.request = applier, request
        self.before: dict[str, bytes] = {file.path: file.content for file in request.files}
        self.now: dict[str, bytes | None] = dict(self.before)
        self.origins: dict[str, str] = {}  # of files that were moved
        self.edits: list[tuple[str, EditResult]] = []
        self.refusals: list[PatchRefusal] = []

    def result(self) -> PatchResult:
        text = self.request.patch.decode("utf-8", "surrogateescape")
        found = extract(text, tuple(self.before))
        for problem in found.problems:
            self.refuse(problem.path or "", RefusalReason.UNPARSABLE_EDIT, problem.message, problem.line)
        for edit in found.edits:
            try:
                self.apply(edit)
            except _Refused as refused:
                self.refuse(edit.path, refused.reason, str(refused), edit.line)
        if self.refusals:
            return self.answer(Status.REFUSED, ())
        paths = sorted({path for path in self.now if self.now[path] != self.before.get(path)})
        changes = tuple(
            FileChange(path, self.before.get(path), self.now[path], self.origins.get(path)) for path in paths
        )
        return self.answer(Status.APPLIED if changes else Status.ALREADY_APPLIED, changes)

    def answer(self, status: Status, changes: tuple[FileChange, ...]) -> PatchResult:
        after = dict(self.before)
        for change in changes:
            if change.new is None:
                del after[change.path]
            else:
                after[change.path] = change.new
        receipt = patch_receipt(self.request, after, self.applier.fingerprint())
        return PatchResult(status, changes, render(changes), receipt, tuple(self.refusals), tuple(self.edits))

    def refuse(self, path: str, reason: RefusalReason, message: str, line: int | None) -> None:
        self.refusals.append(PatchRefusal(path, reason, message, line))

    def apply(self, edit: ProposedEdit) -> None:
        for path in filter(None, (edit.path, edit.moved_to)):
            _check_path(path)
        match edit.action:
            case Action.CREATE:
                self.absent(edit.path)
                self.now[edit.path] = self.edited(edit, b"") if edit.text else b""
            case Action.DELETE:
                content = self.present(edit.path)
                # A diff says what it deletes: where that is not the file, it is another's.
                if edit.text and self.edited(edit, content) not in (None, b""):
                    raise _Refused(RefusalReason.NO_MATCH, f"{edit.path} is not what the patch deletes.")
                self.now[edit.path] = None
            case Action.UPDATE:
                self.update(edit)

    def update(self, edit: ProposedEdit) -> None:
        content = self.present(edit.path)
        after = self.edited(edit, content) if edit.text else content
        if edit.moved_to is None or edit.moved_to == edit.path:
            if not edit.text:
                raise _Refused(RefusalReason.EMPTY_EDIT, f"The part for {edit.path} changes nothing.")
            self.now[edit.path] = content if after is None else after
            return
        self.absent(edit.moved_to)
        self.now[edit.path] = None
        self.now[edit.moved_to] = after
        self.origins[edit.moved_to] = self.origins.pop(edit.path, edit.path)

    def edited(self, edit: ProposedEdit, original: bytes) -> bytes | None:
        """The bytes after the edit; None where it is refused, which is noted."""
        result = self.applier.apply(
            EditRequest(
                original=original,
                edit=edit.text.encode("utf-8", "surrogateescape"),
                path=edit.path,
                format=edit.format,
                instruction=self.request.instruction,
                options=self.request.options,
            )
        )
        self.edits.append((edit.path, result))
        refusal = result.refusal
        if refusal is None:
            return result.content
        message = _LINE.sub(lambda match: f"Line {edit.row(int(match[1]))} of the patch:", refusal.message)
        self.refusals.append(
            PatchRefusal(edit.path, refusal.reason, message, edit.row(refusal.edit_line), refusal.candidates)
        )
        return None

    def present(self, path: str) -> bytes:
        content = self.now.get(path)
        if content is None:
            raise _Refused(RefusalReason.FILE_MISSING, f"There is no file {path} to change; add it instead.")
        return content

    def absent(self, path: str) -> None:
        if self.now.get(path) is not None:
            raise _Refused(RefusalReason.FILE_EXISTS, f"{path} exists already; update it instead.")


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise _Refused(RefusalReason.INVALID_PATH, f"{path!r} is not a path inside the folder of the files.")


def mentioned_paths(patch: bytes, exists: Callable[[str], bool]) -> tuple[str, ...]:
    """The paths in a patch that `exists` says are files, in order: those to be sent with it."""
    text = patch.decode("utf-8", "surrogateescape")
    found = dict.fromkeys(path for line in text.splitlines() for path in spelled_paths(line))
    return tuple(path for path in found if exists(path))
