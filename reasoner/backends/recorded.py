"""Answers that exist already: recorded in a ledger, or written to a file."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from reasoner.backends.base import Answer, Backend
from reasoner.digest import digest
from reasoner.errors import LedgerError, UsageError
from reasoner.recording.ledger import Ledger
from reasoner.types import ChatRequest, ToolCall


class Recorded(Backend):
    """The answers of a ledger, each for the request it was given to, in the order of recording."""

    def __init__(self, ledger_path: Path) -> None:
        super().__init__("recorded", str(ledger_path))
        self._answers: dict[str, deque[Answer]] = {}
        with Ledger.open_existing(ledger_path) as ledger:
            for entry in ledger.entries("call"):
                body = entry.body
                if "error" in body:
                    continue
                facts = body["facts"]
                answer = Answer(
                    text=ledger.blob(body["reply_sha256"]).decode(),
                    request={"request_sha256": body["request_sha256"]},
                    response={"recorded_entry": entry.sequence, "response_sha256": body["response_sha256"]},
                    seed_sent=facts["seed_sent"],
                    seed_echoed=facts["seed_echoed"],
                    system_fingerprint=facts["system_fingerprint"],
                    model=facts["model"],
                    finish_reason=body["finish_reason"],
                    tool_calls=tuple(ToolCall(c["name"], c["arguments"]) for c in body["tool_calls"]),
                    prompt_tokens=facts["prompt_tokens"],
                    output_tokens=facts["output_tokens"],
                )
                self._answers.setdefault(body["request_sha256"], deque()).append(answer)

    async def _call(self, request: ChatRequest) -> Answer:
        key = digest(request)
        waiting = self._answers.get(key)
        if waiting is None:
            raise LedgerError(
                f"the ledger has no answer for this request (sha256 {key[:12]}...): the task, the files or "
                "the options differ from those of the recording"
            )
        # The last answer stays, so that a repeated request goes on getting one.
        return waiting.popleft() if len(waiting) > 1 else waiting[0]


class ReplyFile(Backend):
    """Replies read from files, one a round: a chat's answer, saved, is applied like any other."""

    def __init__(self, *paths: Path) -> None:
        super().__init__("reply-file", ", ".join(str(path) for path in paths))
        if not paths:
            raise UsageError("reply-file: name the file with the reply: --model reply.md")
        self._replies = deque(_read(path) for path in paths)

    async def _call(self, request: ChatRequest) -> Answer:
        if not self._replies:
            raise UsageError(
                "reply-file: there is no further reply; refusals were not resolved in the replies given"
            )
        text = self._replies.popleft()
        return Answer(text=text, request={}, response={"text": text}, model=self.model, finish_reason="stop")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"reply-file: cannot read {path}: {error}") from None
