"""The tools at work: read, apply, check that nothing changed meanwhile, write."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mcp_types import CallToolResult

from applier.api.clients import ServerError
from applier.api.errors import CallError
from applier.api.json_fields import FieldError, text_bytes
from applier.files import (
    FileChangedError,
    FileError,
    FileExistsAlreadyError,
    FileMissingError,
    FileSnapshot,
    create_file,
    read_file,
    replace_file,
)
from applier.mcp import results
from applier.mcp.arguments import as_request, form_of
from applier.mcp.roots import Place, Roots
from applier.mcp.seen import Seen
from applier.patches.types import FileChange, PatchRequest, PatchResult
from applier.receipt import sha256
from applier.server.answers import RunsEdits
from applier.types import EditRequest, EditResult, Refusal, Status
from applier.workspace import patches
from applier.workspace.errors import NotEditableError, TransactionError, WorkspaceError
from applier.workspace.transaction import Workspace

_KEPT_REQUESTS, _KEPT_BYTES = 64, 64 << 20  # of a server, for replay
Arguments = Mapping[str, Any]
Answer = TypeVar("Answer")


class Calls:
    """The tools over one Applier. `edits` is awaited by the first call that needs it."""

    def __init__(self, edits: Callable[[], Any], roots: Roots, allowed: Sequence[str] = ()) -> None:
        self._ready, self._roots, self._allowed = edits, roots, tuple(allowed)
        self._seen = Seen()
        self._records: OrderedDict[str, tuple[EditRequest, EditResult]] = OrderedDict()

    async def call(
        self, name: str, arguments: Arguments, session: str | None, client: Sequence[Path] | None
    ) -> CallToolResult:
        """One call of a known tool with valid arguments. What goes wrong is a result that says so."""
        path = str(arguments.get("path") or "")
        try:
            match name:
                case "edit_file":
                    return await self._edit(arguments, session, client, bool(arguments.get("dry_run")))
                case "preview_edit":
                    return await self._edit(arguments, session, client, True)
                case "apply_patch":
                    return await self._patch(arguments, session, client)
                case _:
                    return await self._replay(arguments)
        except FieldError as error:
            return results.refused(path, "invalid_arguments", str(error))
        except NotEditableError as error:
            return results.refused(path, "not_editable", str(error))
        except (TransactionError, FileChangedError, FileExistsAlreadyError) as error:
            return results.refused(path, "changed", str(error))
        except (FileError, WorkspaceError) as error:
            return results.refused(path, "file_error", str(error))
        except CallError as error:
            return results.refused(path, error.code.name.lower(), error.message)
        except ServerError as error:
            return results.refused(path, error.code.name.lower(), str(error))

    async def _edit(
        self, arguments: Arguments, session: str | None, client: Sequence[Path] | None, dry_run: bool
    ) -> CallToolResult:
        form = form_of(arguments)
        place = self._roots.place(arguments["path"], client)
        full, snapshot = await _thread(self._read, place)
        original = snapshot.content if snapshot else None
        note = None
        changed = self._seen.changed(session, full, original) if original is not None else None
        if changed is not None:
            self._seen.note(session, full, original or b"")
            note = _since(changed)
            if form == "code_edit":  # what it does not show, it may not know of
                return results.refused(
                    place.relative, "changed", f"{note} Send the edit again if it still fits."
                )
        request = as_request(arguments, place.relative, original)
        if isinstance(request, Refusal):
            return results.refused_edit(place.relative, request, original or b"")
        result = await (await self._edits()).apply(request)
        self._record(request, result)
        if result.refusal is not None:
            self._seen.note(session, full, request.original)
            return results.refused_edit(place.relative, result.refusal, request.original)
        written = result.status is Status.APPLIED and not dry_run
        if written:
            if snapshot is None:
                await _thread(create_file, full, place.root, result.content)
            else:
                await _thread(replace_file, snapshot, result.content)
        self._seen.note(session, full, result.content if written else request.original)
        return results.edited(place.relative, result, written, "update" if snapshot else "create", note)

    async def _patch(
        self, arguments: Arguments, session: str | None, client: Sequence[Path] | None
    ) -> CallToolResult:
        patch = text_bytes(arguments["patch"], "patch")
        root = self._root(arguments.get("root"), client)
        workspace = await _thread(self._workspace, root)
        files = await _thread(patches.read_mentioned, workspace, patch)
        request = PatchRequest(files, patch, str(arguments.get("instruction") or ""))
        result: PatchResult = await (await self._edits()).patch(request)
        if result.refusals:
            return results.refused_patch(result)
        written = result.status is Status.APPLIED and not arguments.get("dry_run")
        patches.check(workspace, result.changes)  # what may not be written is refused in a preview too
        if written:
            await _thread(patches.write, workspace, result.changes)
            for change in result.changes:
                if change.new is not None:
                    self._seen.note(session, workspace.root / change.path, change.new)
        return results.patched(_files(result.changes), result, written, None)

    async def _replay(self, arguments: Arguments) -> CallToolResult:
        wanted = arguments.get("request_sha256")
        key = str(wanted).lower() if wanted else next(reversed(self._records), None)
        record = self._records.get(key or "")
        if key is None or record is None:
            return results.refused(
                "", "not_recorded", f"Only the last {_KEPT_REQUESTS} edits of this server are kept."
            )
        request, before = record
        after = await (await self._edits()).apply(request)
        equal = (after.receipt, after.content, after.diff) == (before.receipt, before.content, before.diff)
        fields = {"equal": equal, **results.receipt_fields(after.receipt)}
        said = "the same bytes" if equal else f"other bytes than {before.receipt.result_sha256}"
        text = f"Replayed {key}: {said}, result {after.receipt.result_sha256}."
        return results.tool_result(fields, text, not equal)

    def _record(self, request: EditRequest, result: EditResult) -> None:
        self._records[result.receipt.request_sha256] = (request, result)
        self._records.move_to_end(result.receipt.request_sha256)
        held = sum(len(request.original) + len(result.content) for request, result in self._records.values())
        while len(self._records) > 1 and (len(self._records) > _KEPT_REQUESTS or held > _KEPT_BYTES):
            _, (oldest, answer) = self._records.popitem(last=False)
            held -= len(oldest.original) + len(answer.content)

    def _read(self, place: Place) -> tuple[Path, FileSnapshot | None]:
        """The full path of a file that may be edited, and the file if it is there. Raises WorkspaceError."""
        workspace = self._workspace(place.root)
        full = workspace.inside(place.relative)
        try:
            return full, read_file(full, workspace.root)
        except FileMissingError:
            return full, None

    def _workspace(self, root: Path) -> Workspace:
        """The folder, with what a killed run left half done finished first."""
        workspace = Workspace(root, self._allowed)
        workspace.recover()
        return workspace

    def _root(self, stated: str | None, client: Sequence[Path] | None) -> Path:
        allowed = self._roots.allowed(client)
        if stated is None:
            return allowed[0]
        root = Path(stated).resolve()
        if not any(root.is_relative_to(folder) for folder in allowed):
            raise NotEditableError(f"root {stated} is not under {', '.join(map(str, allowed))}")
        return root

    async def _edits(self) -> RunsEdits:
        edits: RunsEdits = await self._ready()
        return edits


def _files(changes: Sequence[FileChange]) -> list[dict[str, Any]]:
    moved = {change.moved_from for change in changes}
    files = []
    for change in changes:
        if change.new is None:
            if change.path not in moved:
                files.append({"path": change.path, "action": "delete"})
            continue
        action = "move" if change.moved_from else "create" if change.old is None else "update"
        file = {"path": change.path, "action": action, "sha256": sha256(change.new)}
        files.append(file | ({"moved_from": change.moved_from} if change.moved_from else {}))
    return files


def _since(diff: str) -> str:
    shown = f":\n{diff}" if diff else "."
    return f"the file changed since you last had it from here{shown}"


async def _thread(work: Callable[..., Answer], *arguments: Any) -> Answer:
    return await asyncio.to_thread(work, *arguments)
