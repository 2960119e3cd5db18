"""Importing SDKs late, and turning their errors into ours without their objects or keys."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from reasoner.errors import (
    AuthenticationFailed,
    BackendError,
    BadResponse,
    MissingDependency,
    ParameterRejected,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from reasoner.types import ToolCall

# Parameters that servers refuse, and that a person can leave out.
_SAMPLING = ("seed", "temperature", "top_p", "max_tokens", "max_completion_tokens")


def load(module: str, backend: str, extra: str) -> ModuleType:
    """Import an SDK, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise  # the SDK is there, and broken
        raise MissingDependency(backend, module, f"'samebytes[{extra}]'") from None


def from_status(
    backend: str, status: int, message: str, parameter: str | None = None, retry_after: float | None = None
) -> BackendError:
    """The typed error of an HTTP status."""
    said = f"{backend}: {status}: {message}"
    if status in (401, 403):
        return AuthenticationFailed(f"{said} (check the key and what it may use)")
    if status == 429:
        return RateLimited(said, retry_after)
    if status >= 500:
        return ServerFailed(said)
    if status in (400, 422):
        named = parameter if parameter in _SAMPLING else _named_parameter(message)
        if named:
            return ParameterRejected(f"{said} (leave out {named}; it is never dropped in silence)", named)
    return RequestRejected(said)


def _named_parameter(message: str) -> str | None:
    lowered = message.lower()
    refuses = any(
        word in lowered for word in ("unsupported", "not support", "unknown", "not permitted", "unrecognized")
    )
    return next((name for name in _SAMPLING if refuses and name in lowered), None)


def from_stainless(backend: str, sdk: ModuleType, error: Exception) -> BackendError:
    """The typed error of an `openai` or `anthropic` SDK error; the two have the same classes."""
    if isinstance(error, sdk.APITimeoutError):
        return Unreachable(f"{backend}: no answer in time")
    if isinstance(error, sdk.APIConnectionError):
        cause = error.__cause__ or error
        return Unreachable(f"{backend}: no connection ({cause}); is the server running at this address?")
    if isinstance(error, sdk.APIStatusError):
        header = error.response.headers.get("retry-after", "")
        wait = float(header) if header.replace(".", "", 1).isdigit() else None
        body = error.body if isinstance(error.body, Mapping) else {}
        nested = body.get("error")
        inner = nested if isinstance(nested, Mapping) else body
        message = str(inner.get("message") or error.message)
        return from_status(backend, error.status_code, message, inner.get("param"), wait)
    if isinstance(error, sdk.APIResponseValidationError):
        return BadResponse(f"{backend}: the answer does not follow the protocol: {error}")
    if isinstance(error, sdk.APIError):  # an error event within a stream
        return ServerFailed(f"{backend}: {error.message}")
    return BadResponse(f"{backend}: {type(error).__name__}: {error}")


def tool_call(backend: str, name: str, arguments: str | Mapping[str, Any] | None) -> ToolCall:
    """A tool call from its name and its JSON arguments. Raises BadResponse where they are not an object."""
    try:
        parsed = (
            json.loads(arguments or "{}") if isinstance(arguments, (str, type(None))) else dict(arguments)
        )
    except ValueError as error:
        raise BadResponse(
            f"{backend}: the arguments of the tool call {name!r} are not JSON: {error}"
        ) from None
    if not isinstance(parsed, dict):
        raise BadResponse(f"{backend}: the arguments of the tool call {name!r} are not an object")
    return ToolCall(name, parsed)


def transport_errors() -> tuple[type[Exception], ...]:
    """OSError and the errors of whichever HTTP clients are installed, for SDKs that let them through."""
    found: list[type[Exception]] = [OSError]
    for module, name in (("httpx2", "HTTPError"), ("httpx", "HTTPError"), ("aiohttp", "ClientError")):
        try:
            found.append(getattr(__import__(module), name))
        except ImportError:
            continue
    return tuple(found)
