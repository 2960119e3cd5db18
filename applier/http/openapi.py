"""OpenAPI 3.1 of the routes."""

from __future__ import annotations

from functools import cache
from typing import Any

from applier.http.shapes import MODEL
from applier.types import EditFormat, RefusalReason

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS: dict[str, Any] = {
    "Samebytes": {
        **_object(
            path={**_TEXT, "description": "Of the file; tells its language. Or the header X-Samebytes-Path."},
            language={**_TEXT, "description": "Where the path does not tell it. Or X-Samebytes-Language."},
            format={"enum": list(EditFormat), "default": "auto"},
            expected_sha256={**_TEXT, "pattern": "^[0-9a-fA-F]{64}$"},
            allow_model={"type": "boolean", "default": True},
            constrain_to_known_lines={"type": "boolean", "default": True},
            syntax_gate={"type": "boolean", "default": True},
            min_confidence={"type": "number", "minimum": 0, "maximum": 1},
            accept={
                **_TEXT,
                "pattern": "^[0-9a-fA-F]{64}$",
                "description": "result_sha256 of an offer: apply exactly that.",
            },
        ),
        "description": "What no other server has room for. All of it may be left out.",
    },
    "Usage": _object(
        "prompt_tokens completion_tokens total_tokens",
        prompt_tokens=_COUNT,
        completion_tokens=_COUNT,
        total_tokens=_COUNT,
    ),
    "Details": _object(
        "status tier confidence format request_sha256 result_sha256",
        status={"enum": ["applied", "already_applied"]},
        tier={"enum": ["exact", "model"]},
        confidence={"type": "number"},
        format={"enum": list(EditFormat)},
        request_sha256=_TEXT,
        result_sha256=_TEXT,
    ),
    "ChatRequest": _object(
        "messages",
        messages={
            "type": "array",
            "description": "One has <code>FILE</code> and <update>EDIT</update>, or <edit>EDIT</edit>; "
            "<instruction> before them if you like.",
            "items": _object(role=_TEXT, content={"type": ["string", "array"]}),
        },
        stream={"type": "boolean", "default": False},
        stream_options=_object(include_usage={"type": "boolean"}),
        model={**_TEXT, "description": "Any; without effect, as are temperature, seed and max_tokens."},
        samebytes=_ref("Samebytes"),
    ),
    "ChatResponse": _object(
        "id object created model system_fingerprint choices usage samebytes",
        id=_TEXT,
        object={"const": "chat.completion"},
        created=_COUNT,
        model={"const": MODEL},
        system_fingerprint={**_TEXT, "description": "Equal fingerprint and request: equal bytes."},
        choices={
            "type": "array",
            "items": _object(
                "index message finish_reason",
                index=_COUNT,
                message=_object("role content", role={"const": "assistant"}, content=_TEXT),
                finish_reason={"const": "stop"},
            ),
        },
        usage=_ref("Usage"),
        samebytes=_ref("Details"),
    ),
    "ApplyRequest": _object(
        "initial_code edit_snippet",
        initial_code={**_TEXT, "description": "The file. Also as initialCode."},
        edit_snippet={**_TEXT, "description": "The edit, in any format. Also as editSnippet."},
        instruction={**_TEXT, "description": "Also as instructions."},
        stream={"type": "boolean", "default": False},
        model=_TEXT,
        samebytes=_ref("Samebytes"),
    ),
    "ApplyResponse": _object(
        "mergedCode merged_code usage system_fingerprint samebytes",
        mergedCode=_TEXT,
        merged_code=_TEXT,
        usage=_ref("Usage"),
        system_fingerprint=_TEXT,
        samebytes=_ref("Details"),
    ),
    "Error": _object(
        "error",
        error=_object(
            "message type code param",
            message={**_TEXT, "description": "Of a refusal: made for the agent that wrote the edit."},
            type=_TEXT,
            code={**_TEXT, "description": f"Of a refusal, one of {', '.join(RefusalReason)}."},
            param={"type": ["string", "null"]},
            edit_line={"type": ["integer", "null"]},
            candidates={"type": "array", "items": _object("start end", start=_COUNT, end=_COUNT)},
            offer={
                **_object(
                    "diff result_sha256 confidence",
                    diff=_TEXT,
                    result_sha256=_TEXT,
                    confidence={"type": "number"},
                ),
                "type": ["object", "null"],
                "description": "What a refusal for want of confidence would have made of the file.",
            },
        ),
    ),
    "Model": _object("id object owned_by", id=_TEXT, object={"const": "model"}, owned_by=_TEXT),
    "Models": _object(
        "object data", object={"const": "list"}, data={"type": "array", "items": _ref("Model")}
    ),
    "Health": _object("status", status={"enum": ["serving", "starting"]}),
}

_ERRORS = {
    400: "The request cannot be read",
    401: "The token is missing or wrong",
    403: "Called by a name that is not loopback's",
    408: "The body did not arrive in time",
    413: "The request is too large",
    422: "The edit is refused; the message says why and what to send",
    429: "Too many edits wait; Retry-After says when to try again",
    500: "A bug; the message has a reference for the log",
    503: "The self-test has not passed yet",
}
_RECEIPT = {
    f"X-Samebytes-{name}": {"schema": _TEXT}
    for name in ("Fingerprint", "Request", "Result", "Status", "Tier", "Confidence")
}


def _answer(schema: str, description: str, **more: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _ref(schema)}}
    return {"description": description, "content": content, **more}


def _edit(summary: str, asked: str, answered: str) -> dict[str, Any]:
    ok = _answer(answered, "The new file", headers=_RECEIPT)
    ok["content"]["text/event-stream"] = {"schema": _TEXT}
    names = ("X-Samebytes-Path", "X-Samebytes-Language")
    return {
        "post": {
            "summary": summary,
            "parameters": [{"name": name, "in": "header", "schema": _TEXT} for name in names],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(asked)}}},
            "responses": {
                "200": ok,
                **{str(status): _answer("Error", text) for status, text in _ERRORS.items()},
            },
        }
    }


def _get(summary: str, schema: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": _answer(schema, summary)}}}


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    chat = _edit("Merge an edit, as a chat completion", "ChatRequest", "ChatResponse")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "samebytes",
            "version": "1",
            "description": "Same file + same edit = same bytes: every time, in any batch, on any machine.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/chat/completions": chat,
            "/v1/apply/chat/completions": chat,
            "/v1/code/apply": _edit("Merge an edit", "ApplyRequest", "ApplyResponse"),
            "/v1/models": _get("The one model", "Models"),
            "/v1/models/{name}": {
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": _TEXT}],
                **_get("The model of that name", "Model"),
            },
            "/health": _get("Whether edits are answered", "Health"),
            "/openapi.json": {
                "get": {"summary": "This document", "responses": {"200": {"description": "OpenAPI 3.1"}}}
            },
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }
