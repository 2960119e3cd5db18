"""What a call gives back: the fields of the tools' output schema, and the same as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent

from applier.api.agent_text import fenced_diff, offer_fields, refusal_text
from applier.patches.types import PatchResult
from applier.types import EditResult, Receipt, Refusal, Status

_MOST_SHOWN = 400  # lines of a diff in the text; all of it is in the fields


def tool_result(fields: Mapping[str, Any], text: str, is_error: bool = False) -> CallToolResult:
    """Fields that are None are left out."""
    stated = {name: value for name, value in fields.items() if value is not None}
    content = TextContent(type="text", text=text)
    return CallToolResult(content=[content], structured_content=stated, is_error=is_error)


def receipt_fields(receipt: Receipt) -> dict[str, str]:
    """The receipt as the schema has it."""
    return {
        "request_sha256": receipt.request_sha256,
        "result_sha256": receipt.result_sha256,
        "fingerprint": receipt.fingerprint,
    }


def refused(path: str, reason: str, message: str, **more: Any) -> CallToolResult:
    """One refusal. Nothing was changed."""
    refusal = {"path": path, "reason": reason, "message": message}
    refusal |= {name: value for name, value in more.items() if value}
    fields = {"status": "refused", "written": False, "files": [], "diff": "", "refusals": [refusal]}
    text = message if message.startswith(f"{reason}: ") else f"{reason}: {message}"
    return tool_result(
        fields, text if "Nothing was changed" in text else f"{text}\nNothing was changed.", True
    )


def not_replayed(refusal: CallToolResult) -> CallToolResult:
    """A refusal in the schema of `replay`."""
    (one,) = refusal.structured_content["refusals"]
    fields = {"equal": False, "request_sha256": "", "note": one["message"]}
    return refusal.model_copy(update={"structured_content": fields})


def refused_edit(path: str, refusal: Refusal, original: bytes) -> CallToolResult:
    """A refusal by the library, with the places that were perhaps meant."""
    candidates = [{"start": place.start, "end": place.end} for place in refusal.candidates]
    message = refusal_text(refusal, original)
    offer = refusal.offer and offer_fields(refusal.offer)
    return refused(path, refusal.reason, message, line=refusal.edit_line, candidates=candidates, offer=offer)


def refused_patch(result: PatchResult) -> CallToolResult:
    """Every part that could not be applied."""
    refusals: list[dict[str, Any]] = []
    lines = []
    for refusal in result.refusals:
        candidates = [{"start": place.start, "end": place.end} for place in refusal.candidates]
        one = {"path": refusal.path, "reason": refusal.reason.value, "message": refusal.message}
        more = {"line": refusal.patch_line, "candidates": candidates}
        refusals.append({**one, **{name: value for name, value in more.items() if value}})
        where = f"line {refusal.patch_line} of the patch: " if refusal.patch_line else ""
        could = ", ".join(f"{place.start}-{place.end}" for place in refusal.candidates)
        lines.append(
            f"{where}{refusal.path or 'the patch'}: {refusal.reason}: {refusal.message}"
            + (f" It could go to lines {could} of the file." if could else "")
        )
    fields = {
        "status": "refused",
        "written": False,
        "files": [],
        "diff": "",
        "receipt": receipt_fields(result.receipt),
        "refusals": refusals,
    }
    return tool_result(fields, "\n".join([*lines, "Nothing was changed, in no file."]), True)


def edited(path: str, result: EditResult, written: bool, action: str, note: str | None) -> CallToolResult:
    """An edit that was applied, would be, or was there already."""
    diff = result.diff.decode("utf-8", "replace")
    file = {"path": path, "action": action if diff else "none", "sha256": result.receipt.result_sha256}
    fields = {
        "status": result.status.value,
        "written": written,
        "files": [file],
        "diff": diff,
        "tier": result.tier.value,
        "confidence": result.confidence,
        "receipt": receipt_fields(result.receipt),
        "note": note,
    }
    return tool_result(fields, _text(_headline(path, result.status, written), diff, result.receipt, note))


def patched(
    files: Sequence[Mapping[str, Any]], result: PatchResult, written: bool, note: str | None
) -> CallToolResult:
    """A patch that was applied, would be, or was there already."""
    diff = result.diff.decode("utf-8", "replace")
    fields = {
        "status": result.status.value,
        "written": written,
        "files": list(files),
        "diff": diff,
        "receipt": receipt_fields(result.receipt),
        "note": note,
    }
    names = ", ".join(f"{file['action']} {file['path']}" for file in files)
    return tool_result(fields, _text(_headline(names, result.status, written), diff, result.receipt, note))


def _headline(what: str, status: Status, written: bool) -> str:
    if status is Status.ALREADY_APPLIED:
        return "Nothing to do: the change is there already."
    return f"Applied: {what}." if written else f"Not written, a preview: {what}."


def _text(headline: str, diff: str, receipt: Receipt, note: str | None) -> str:
    parts = [headline]
    if note:
        parts.append(f"Note: {note}")
    if diff:
        parts.append(fenced_diff(diff.encode("utf-8"), _MOST_SHOWN))
    parts.append(f"request {receipt.request_sha256}, result {receipt.result_sha256}")
    return "\n".join(parts)
