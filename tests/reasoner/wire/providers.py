"""Hosted providers as they document themselves: paths, headers, fields, errors, streams.

Each is a function from a request to a reply. A field that the documentation does not have is refused, as the
provider refuses it, so a backend that sends too much fails here. The "model" is `say`: it gets the seed and
gives the text, so what a seed does is up to the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reasoner.wire.server import Reply, Seen, events

KEY = "sk-canary-0123456789abcdef"
SSE = "text/event-stream"


@dataclass
class Model:
    """What the model behind the wire says: a text for a seed, or calls of tools."""

    say: Callable[[int | None], str] = lambda seed: "Hello."
    calls: Sequence[tuple[str, dict[str, Any]]] = ()
    finish: str = "stop"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def halves(text: str) -> tuple[str, str]:
    """A text in two pieces, as a stream would send it."""
    return text[: len(text) // 2], text[len(text) // 2 :]


# OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat), also Azure and compatible servers.

CHAT_FIELDS = _words(
    "model messages seed temperature top_p max_completion_tokens max_tokens tools tool_choice stream "
    "stream_options logprobs top_logprobs n stop user response_format reasoning_effort store"
)


def openai_error(status: int, message: str, param: str | None = None, code: str | None = None) -> Reply:
    kind = "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Reply(body, status, {"x-request-id": "req_1"})


def unauthorized(key: str) -> Reply:
    # OpenAI repeats the key it got, most of it masked; a proxy in front may repeat all of it.
    return openai_error(401, f"Incorrect API key provided: {key}.", None, "invalid_api_key")


def chat_completions(model: Model, key: str | None = KEY) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        given = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if key is not None and given != key:
            return unauthorized(given)
        if seen.path != "/v1/chat/completions":
            return openai_error(404, f"Invalid URL (POST {seen.path})")
        return chat_reply(model, seen)

    return answer


def chat_reply(model: Model, seen: Seen) -> Reply:
    body = seen.body
    if unknown := set(body) - CHAT_FIELDS:
        name = sorted(unknown)[0]
        return openai_error(400, f"Unrecognized request argument supplied: {name}", name)
    text = "" if model.calls else model.say(body.get("seed"))
    head = {
        "id": "chatcmpl-1",
        "created": 1_700_000_000,
        "model": f"{body['model']}-2026-01-01",
        "system_fingerprint": "fp_abc",
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    calls = [
        {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for i, (name, arguments) in enumerate(model.calls)
    ]
    finish = "tool_calls" if calls else model.finish
    if not body.get("stream"):
        message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return Reply(head | {"object": "chat.completion", "choices": [choice], "usage": usage})

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return head | {"object": "chat.completion.chunk", "choices": [choice]}

    parts = [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": half}) for half in halves(text) if half),
    ]
    for index, call in enumerate(calls):
        first, second = halves(call["function"]["arguments"])
        opening = call | {"index": index, "function": {"name": call["function"]["name"], "arguments": first}}
        parts.append(chunk({"tool_calls": [opening]}))
        parts.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": second}}]}))
    parts.append(chunk({}, finish))
    if (body.get("stream_options") or {}).get("include_usage"):
        parts.append(head | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
    return Reply(stream=events(*parts, "[DONE]"), content_type=SSE)


# Azure OpenAI (learn.microsoft.com/azure/ai-services/openai/reference).


def azure(model: Model, deployment: str) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        if seen.headers.get("api-key") != KEY:
            message = "Access denied due to invalid subscription key or wrong API endpoint."
            return Reply({"error": {"code": "401", "message": message}}, 401)
        if (
            seen.path != f"/openai/deployments/{deployment}/chat/completions"
            or "api-version=" not in seen.query
        ):
            return Reply({"error": {"code": "404", "message": "Resource not found"}}, 404)
        return chat_reply(model, seen)

    return answer


# OpenAI Responses (platform.openai.com/docs/api-reference/responses).

RESPONSES_FIELDS = _words(
    "model input instructions max_output_tokens temperature top_p tools tool_choice stream store reasoning "
    "text metadata include previous_response_id parallel_tool_calls truncation user service_tier"
)


def responses(model: Model) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        body = seen.body
        if seen.headers.get("authorization") != f"Bearer {KEY}":
            return unauthorized(seen.headers.get("authorization", ""))
        if seen.path != "/v1/responses":
            return openai_error(404, "Invalid URL")
        if unknown := set(body) - RESPONSES_FIELDS:
            name = sorted(unknown)[0]
            message = f"Unknown parameter: '{name}'."
            return openai_error(400, message, name, "unknown_parameter")
        output: list[dict[str, Any]] = [{"id": "rs_1", "type": "reasoning", "summary": []}]
        for i, (name, arguments) in enumerate(model.calls):
            call = {"type": "function_call", "id": f"fc_{i}", "call_id": f"call_{i}", "status": "completed"}
            output.append(call | {"name": name, "arguments": json.dumps(arguments)})
        if not model.calls:
            content = [{"type": "output_text", "text": model.say(None), "annotations": [], "logprobs": []}]
            message_item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
            output.append(message_item | {"content": content})
        cut = model.finish == "length"
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "incomplete" if cut else "completed",
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "model": f"{body['model']}-2026-01-01",
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 7,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 3,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 10,
            },
        }
        if not body.get("stream"):
            return Reply(whole)
        start = whole | {"status": "in_progress", "output": []}
        end = {"type": f"response.{whole['status']}", "response": whole, "sequence_number": 9}
        first = {"type": "response.created", "response": start, "sequence_number": 0}
        return Reply(stream=events(first, end, named=True), content_type=SSE)

    return answer


# Anthropic Messages (docs.claude.com/en/api/messages).

MESSAGES_FIELDS = _words(
    "model max_tokens messages system tools tool_choice stream temperature top_p top_k stop_sequences "
    "metadata thinking service_tier"
)


def anthropic_error(status: int, kind: str, message: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Reply(body, status, {"request-id": "req_1"})


def anthropic(model: Model) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        body = seen.body
        bearer = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if KEY not in (seen.headers.get("x-api-key"), bearer) or "anthropic-version" not in seen.headers:
            return anthropic_error(401, "authentication_error", "invalid x-api-key")
        if seen.path != "/v1/messages":
            return anthropic_error(404, "not_found_error", "Not Found")
        if unknown := set(body) - MESSAGES_FIELDS:
            name = sorted(unknown)[0]
            return anthropic_error(400, "invalid_request_error", f"{name}: Extra inputs are not permitted")
        blocks: list[dict[str, Any]] = [
            {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": arguments}
            for i, (name, arguments) in enumerate(model.calls)
        ] or [{"type": "text", "text": model.say(None)}]
        stop = {"stop": "end_turn", "length": "max_tokens"}[model.finish]
        whole = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": "tool_use" if model.calls else stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 3},
        }
        if not body.get("stream"):
            return Reply(whole)
        start = whole | {"content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
        parts: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
        for index, block in enumerate(blocks):
            if block["type"] == "text":
                empty = {"type": "text", "text": ""}
                deltas = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
            else:
                empty = block | {"input": {}}
                deltas = [
                    {"type": "input_json_delta", "partial_json": half}
                    for half in halves(json.dumps(block["input"]))
                ]
            parts.append({"type": "content_block_start", "index": index, "content_block": empty})
            parts += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            parts.append({"type": "content_block_stop", "index": index})
        ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        parts.append({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 3}})
        parts.append({"type": "message_stop"})
        return Reply(stream=events(*parts, named=True), content_type=SSE)

    return answer


# Gemini (ai.google.dev/api/generate-content) and Vertex AI (cloud.google.com/vertex-ai/.../generateContent).

GEMINI_FIELDS = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings"}
GENERATION_FIELDS = _words(
    "seed temperature topP topK maxOutputTokens stopSequences candidateCount responseMimeType responseSchema "
    "responseLogprobs logprobs thinkingConfig presencePenalty frequencyPenalty"
)


def google_error(code: int, status: str, message: str) -> Reply:
    return Reply({"error": {"code": code, "message": message, "status": status}}, code)


def gemini(model: Model, prefix: str = "/v1/models") -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        body, config = seen.body, seen.body.get("generationConfig", {})
        bearer = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if KEY not in (seen.headers.get("x-goog-api-key"), bearer):
            return google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        folder, _, last = seen.path.rpartition("/")
        name, _, method = last.partition(":")
        if folder != prefix or method not in ("generateContent", "streamGenerateContent"):
            return google_error(404, "NOT_FOUND", f"no such method: {seen.path}")
        if unknown := (set(body) - GEMINI_FIELDS) | (set(config) - GENERATION_FIELDS):
            message = (
                f'Invalid JSON payload received. Unknown name "{sorted(unknown)[0]}": Cannot find field.'
            )
            return google_error(400, "INVALID_ARGUMENT", message)
        text = model.say(config.get("seed"))
        parts: list[dict[str, Any]] = [{"functionCall": {"name": n, "args": a}} for n, a in model.calls]
        pieces = [[part] for part in parts] or [[{"text": half}] for half in halves(text)]
        finish = {"stop": "STOP", "length": "MAX_TOKENS"}[model.finish]

        def response(parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
            candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
            if finish:
                candidate["finishReason"] = finish
            usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
            return {
                "candidates": [candidate],
                "usageMetadata": usage,
                "modelVersion": f"{name}-001",
                "responseId": "r1",
            }

        if method == "generateContent":
            return Reply(response([part for piece in pieces for part in piece], finish))
        chunks = [response(piece, finish if piece is pieces[-1] else None) for piece in pieces]
        return Reply(stream=events(*chunks), content_type=SSE)

    return answer


# Ollama (github.com/ollama/ollama/blob/main/docs/api.md).


def ollama(model: Model) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        body = seen.body
        if seen.path != "/api/chat":
            return Reply({"error": "not found"}, 404)
        if body["model"] == "missing":
            return Reply({"error": "model 'missing' not found"}, 404)
        text = "" if model.calls else model.say(body["options"].get("seed"))
        head = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
        end = {"done": True, "done_reason": model.finish, "prompt_eval_count": 7, "eval_count": 3}
        calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in model.calls]
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = calls
        if not body.get("stream", True):
            return Reply(head | {"message": message} | end)
        parts = [
            head | {"message": {"role": "assistant", "content": half}, "done": False}
            for half in halves(text)
            if half
        ]
        if calls:
            parts.append(head | {"message": message, "done": False})
        parts.append(head | {"message": {"role": "assistant", "content": ""}} | end)
        return Reply(stream=[json.dumps(part) + "\n" for part in parts], content_type="application/x-ndjson")

    return answer
