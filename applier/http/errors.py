"""Errors as clients of OpenAI-like servers read them: a status and {"error": {message, type, code, param}}.

A refused edit is 422 with a message for the agent. 429 and 503 are for overload alone: clients try these
again by themselves, and some replace the message by their own.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from starlette.responses import JSONResponse, Response

from applier.api.agent_text import offer_fields, refusal_text
from applier.api.errors import CallError
from applier.http.receipts import receipt_headers
from applier.types import EditRequest, EditResult

_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: (400, "invalid_request_error"),
    grpc.StatusCode.FAILED_PRECONDITION: (422, "edit_refused"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (429, "overloaded_error"),
    grpc.StatusCode.UNAVAILABLE: (503, "overloaded_error"),
    grpc.StatusCode.UNAUTHENTICATED: (401, "authentication_error"),
}
_CODES = {
    grpc.StatusCode.FAILED_PRECONDITION: "stale_original",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.UNAVAILABLE: "not_ready",
    grpc.StatusCode.UNAUTHENTICATED: "invalid_api_key",
}


class HttpError(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


def error_response(status: int, message: str, kind: str, code: str, **fields: Any) -> JSONResponse:
    """The body that every error has. `fields` go beside the message."""
    body = {"message": message, "type": kind, "param": None, "code": code, **fields}
    return JSONResponse({"error": body}, status)


def from_http_error(error: HttpError) -> Response:
    """The answer to a request that cannot be read."""
    return error_response(error.status, str(error), "invalid_request_error", error.code, param=error.param)


def from_call_error(error: CallError) -> Response:
    """The same answer that gRPC gives, by HTTP's names."""
    status, kind = _STATUS.get(error.code, (500, "server_error"))
    code = _CODES.get(error.code, "invalid_value" if status == 400 else "internal_error")
    response = error_response(status, error.message, kind, code, param=error.field or None)
    retry = next((detail.retry_delay.seconds for detail in error.details if isinstance(detail, RetryInfo)), 0)
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def from_refusal(request: EditRequest, result: EditResult) -> Response:
    """422: what was wrong, where the edit could have gone, and the receipt of the refusal."""
    refusal = result.refusal
    assert refusal is not None
    response = error_response(
        422,
        refusal_text(refusal, request.original),
        "edit_refused",
        refusal.reason.value,
        edit_line=refusal.edit_line,
        candidates=[{"start": place.start, "end": place.end} for place in refusal.candidates],
        offer=None if refusal.offer is None else offer_fields(refusal.offer),
    )
    response.headers.update(receipt_headers(result))
    return response
