"""What goes into a ledger for a call, an edit and a run, and how an edit comes back out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from applier.patches.types import SourceFile
from applier.types import EditFormat, EditOptions, EditRequest, EditResult, Refusal
from reasoner.digest import digest, sha256
from reasoner.errors import LedgerError, ReasonerError
from reasoner.recording.ledger import Entry, Ledger
from reasoner.types import ChatRequest, Completion, Task


@dataclass(frozen=True, slots=True)
class RecordedEdit:
    """An edit of the ledger: the request as it was, and what came of it then."""

    entry: Entry
    request: EditRequest
    status: str
    content: bytes
    result_sha256: str
    request_sha256: str
    fingerprint: str


class Recorder:
    """Writes a run into a ledger; without one it writes nothing."""

    def __init__(self, ledger: Ledger | None) -> None:
        self.ledger = ledger

    def run(self, task: Task, backend: str, model: str, files: Sequence[SourceFile]) -> None:
        """The start of a run: the task and the digests of the files it began with."""
        self._append(
            "run",
            {
                "instruction": task.instruction,
                "backend": backend,
                "model": model,
                "files": {file.path: sha256(file.content) for file in files},
            },
        )

    def call(self, request: ChatRequest, completion: Completion) -> None:
        """A call: its five facts, the digests of request and response, and the reply itself."""
        reply = completion.text.encode("utf-8", "replace")
        self._append(
            "call",
            {
                "facts": completion.facts,
                "seed_asked": request.sampling.seed,
                "request_sha256": digest(request),
                "wire_request_sha256": digest(completion.request),
                "response_sha256": digest(completion.response),
                "reply_sha256": sha256(reply),
                "finish_reason": completion.finish_reason,
                "tool_calls": completion.tool_calls,
                "notices": completion.notices,
            },
            {sha256(reply): reply},
        )

    def failed_call(self, backend: str, model: str, error: ReasonerError) -> None:
        """A call that got no answer."""
        self._append(
            "call", {"error": type(error).__name__, "message": str(error), "backend": backend, "model": model}
        )

    def edit(self, request: EditRequest, result: EditResult) -> None:
        """One ApplyEdit: everything that decides its result, and its receipt."""
        original, edit, content = request.original, request.edit, result.content
        self._append(
            "apply",
            {
                "path": request.path,
                "language": request.language,
                "format": request.format,
                "instruction": request.instruction,
                "expected_sha256": request.expected_sha256,
                "options": request.options,
                "original_sha256": sha256(original),
                "edit_sha256": sha256(edit),
                "status": result.status,
                "tier": result.tier,
                "content_sha256": sha256(content),
                "refusal": _without_diff(result.refusal),
                "receipt": result.receipt,
            },
            {sha256(original): original, sha256(edit): edit, sha256(content): content},
        )

    def written(self, files: Mapping[str, bytes | None]) -> None:
        """Files written, all at once, with their new digests; None for a deleted one."""
        self._append(
            "write", {path: None if content is None else sha256(content) for path, content in files.items()}
        )

    def _append(self, kind: str, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> None:
        if self.ledger is not None:
            self.ledger.append(kind, body, blobs)


def _without_diff(refusal: Refusal | None) -> Mapping[str, Any] | None:
    """The refusal as JSON has it; of an offer its digest, which is what a later request accepts."""
    if refusal is None:
        return None
    fields = dataclasses.asdict(refusal)
    if fields["offer"] is not None:
        del fields["offer"]["diff"]
    return fields


def recorded_edit(ledger: Ledger, entry: Entry) -> RecordedEdit:
    """The edit of an `apply` entry, with its bytes. Raises LedgerError."""
    body = entry.body
    try:
        request = EditRequest(
            original=ledger.blob(body["original_sha256"]),
            edit=ledger.blob(body["edit_sha256"]),
            path=body["path"],
            language=body["language"],
            format=EditFormat(body["format"]),
            instruction=body["instruction"],
            expected_sha256=body["expected_sha256"],
            options=EditOptions(**body["options"]),
        )
        receipt = body["receipt"]
        if receipt["result_sha256"] != body["content_sha256"]:
            raise ValueError("its receipt is not that of its result")
        return RecordedEdit(
            entry=entry,
            request=request,
            status=body["status"],
            content=ledger.blob(body["content_sha256"]),
            result_sha256=receipt["result_sha256"],
            request_sha256=receipt["request_sha256"],
            fingerprint=receipt["fingerprint"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(f"entry {entry.sequence} is not an edit this program can read: {error!r}") from None
