"""Messages of patches of several files from and to `applier.patches.types`."""

from __future__ import annotations

from dataclasses import replace

from applier.api import convert
from applier.api.errors import invalid_field
from applier.api.v1 import apply_pb2 as pb
from applier.patches.types import FileChange, PatchRefusal, PatchRequest, PatchResult, SourceFile
from applier.receipt import sha256
from applier.types import EditResult, LineRange, Receipt, RefusalReason, Status


def request_from_proto(message: pb.ApplyPatchRequest) -> PatchRequest:
    """Raises CallError (INVALID_ARGUMENT) where a field has no meaning."""
    seen: set[str] = set()
    for number, file in enumerate(message.files):
        if not file.path or "\0" in file.path:
            raise invalid_field(f"files[{number}].path", "is empty or contains a NUL character")
        if file.path in seen:
            raise invalid_field(f"files[{number}].path", "stands twice")
        seen.add(file.path)
    if message.options.HasField("accept"):
        raise invalid_field("options.accept", "is for the edit of one file")
    return PatchRequest(
        tuple(SourceFile(file.path, file.content) for file in message.files),
        message.patch,
        message.instruction,
        convert.options_from_proto(message.options),
    )


def request_to_proto(request: PatchRequest) -> pb.ApplyPatchRequest:
    """The inverse of `request_from_proto`; for clients."""
    return pb.ApplyPatchRequest(
        files=[pb.SourceFile(path=file.path, content=file.content) for file in request.files],
        patch=request.patch,
        instruction=request.instruction,
        options=convert.options_to_proto(request.options),
    )


def result_to_proto(result: PatchResult) -> pb.ApplyPatchResponse:
    """Every field, but contents and diffs of the single edits."""
    receipt = result.receipt
    return pb.ApplyPatchResponse(
        status=f"STATUS_{result.status.name}",
        changes=[
            pb.FileChange(
                path=change.path,
                old_sha256=None if change.old is None else sha256(change.old),
                content=change.new,
                moved_from=change.moved_from,
            )
            for change in result.changes
        ],
        diff=result.diff,
        receipt=pb.Receipt(
            request_sha256=receipt.request_sha256,
            result_sha256=receipt.result_sha256,
            fingerprint=receipt.fingerprint,
        ),
        refusals=[
            pb.PatchRefusal(
                path=refusal.path,
                reason=f"REFUSAL_REASON_{refusal.reason.name}",
                message=refusal.message,
                patch_line=refusal.patch_line,
                candidates=[pb.LineRange(start=lines.start, end=lines.end) for lines in refusal.candidates],
            )
            for refusal in result.refusals
        ],
        edits=[
            pb.PatchEdit(path=path, response=convert.result_to_proto(_slim(edit)))
            for path, edit in result.edits
        ],
    )


def _slim(result: EditResult) -> EditResult:
    refusal = result.refusal and replace(result.refusal, offer=None)  # which a patch cannot accept
    return replace(result, content=b"", diff=b"", refusal=refusal)


def result_from_proto(message: pb.ApplyPatchResponse, request: PatchRequest) -> PatchResult:
    """The inverse, but for contents and diffs of the single edits; old bytes are those of the request."""
    before = {file.path: file.content for file in request.files}
    return PatchResult(
        Status[pb.Status.Name(message.status).removeprefix("STATUS_")],
        tuple(
            FileChange(
                change.path,
                before[change.path] if change.HasField("old_sha256") else None,
                change.content if change.HasField("content") else None,
                change.moved_from if change.HasField("moved_from") else None,
            )
            for change in message.changes
        ),
        message.diff,
        Receipt(message.receipt.request_sha256, message.receipt.result_sha256, message.receipt.fingerprint),
        tuple(
            PatchRefusal(
                refusal.path,
                RefusalReason[pb.RefusalReason.Name(refusal.reason).removeprefix("REFUSAL_REASON_")],
                refusal.message,
                refusal.patch_line if refusal.HasField("patch_line") else None,
                tuple(LineRange(lines.start, lines.end) for lines in refusal.candidates),
            )
            for refusal in message.refusals
        ),
        tuple((edit.path, convert.result_from_proto(edit.response)) for edit in message.edits),
    )
