"""From the body of a request to an edit, and from its result to the body of the answer, for each shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from applier.api.json_fields import FieldError, edit_request, text_bytes
from applier.http.anchors import expand, is_anchored
from applier.http.prompts import PromptError, read_prompt
from applier.http.receipts import details, usage
from applier.types import EditRequest, EditResult

MODEL = "samebytes"
_PIECE = 16_384  # characters of one event of a stream
# Of one field, the spellings of Relace and Morph.
_CODE = ("initial_code", "initialCode", "original_code", "originalCode")
_EDIT = ("edit_snippet", "editSnippet", "update_snippet", "updateSnippet")
_INSTRUCTION = ("instruction", "instructions")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One edit with the way in which its answer is written."""

    request: EditRequest
    stream: bool
    whole: Callable[[EditResult], dict[str, Any]]
    events: Callable[[EditResult], Iterator[str]]


def chat(body: Body, stated: Body) -> Asked:
    """A chat completion. Raises FieldError and PromptError."""
    prompt = read_prompt(body.get("messages"))
    code, instruction = prompt.original, prompt.instruction
    if is_anchored(code, instruction):
        code, instruction = expand(code, instruction)
    request = edit_request(
        text_bytes(code, "messages"),
        text_bytes(prompt.edit, "messages"),
        {"instruction": instruction, **_ours(body), **stated},
    )
    options = body.get("stream_options")
    counted = isinstance(options, dict) and options.get("include_usage") is True

    def content(result: EditResult) -> str:
        return prompt.dress(result.content.decode("utf-8"))

    return Asked(
        request,
        body.get("stream") is True,
        lambda result: _completion(result, content(result)),
        lambda result: _chunks(result, content(result), counted),
    )


def code_apply(body: Body, stated: Body) -> Asked:
    """Morph's and Relace's own form, in snake and in camel case. Raises FieldError."""
    request = edit_request(
        text_bytes(_first(body, _CODE), _CODE[0]),
        text_bytes(_first(body, _EDIT), _EDIT[0]),
        {"instruction": _first(body, _INSTRUCTION), **_ours(body), **stated},
    )

    def whole(result: EditResult) -> dict[str, Any]:
        merged = result.content.decode("utf-8")
        return {
            "mergedCode": merged,
            "merged_code": merged,
            "usage": usage(result),
            "system_fingerprint": result.receipt.fingerprint,
            "samebytes": details(result),
        }

    return Asked(
        request,
        body.get("stream") is True,
        whole,
        lambda result: _chunks(result, result.content.decode("utf-8"), True),
    )


def _ours(body: Body) -> dict[str, Any]:
    """`samebytes` of the body: path, language, format and options, for clients that cannot set headers."""
    ours = body.get("samebytes")
    if ours is None:
        return {}
    if not isinstance(ours, dict):
        raise FieldError("samebytes", "is no object")
    return ours


def _first(body: Body, names: tuple[str, ...]) -> Any:
    return next((body[name] for name in names if body.get(name) is not None), None)


def _completion(result: EditResult, content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        **_head(result, "chat.completion"),
        "choices": [choice],
        "usage": usage(result),
        "samebytes": details(result),
    }


def _chunks(result: EditResult, content: str, counted: bool) -> Iterator[str]:
    """Server-sent events. The edit is done before the first: a refusal is a status, never half a stream."""
    head = _head(result, "chat.completion.chunk")

    def event(delta: dict[str, str], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **more})

    yield event({"role": "assistant", "content": ""})
    for start in range(0, len(content), _PIECE):
        yield event({"content": content[start : start + _PIECE]})
    yield event({}, "stop", samebytes=details(result))
    if counted:
        yield _event({**head, "choices": [], "usage": usage(result)})
    yield "data: [DONE]\n\n"


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _head(result: EditResult, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{result.receipt.request_sha256[:32]}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": result.receipt.fingerprint,
    }


__all__ = ["MODEL", "Asked", "FieldError", "PromptError", "chat", "code_apply"]
