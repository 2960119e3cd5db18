"""The routes. A request is read, its edit is run as gRPC runs it, and the result is written in its shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from applier.api.errors import CallError
from applier.http import errors, shapes
from applier.http.config import HttpConfig
from applier.http.guard import Guard
from applier.http.openapi import document
from applier.http.receipts import receipt_headers
from applier.server import tracing
from applier.server.answers import Answers, report_bug
from applier.server.security import TokenCheck
from applier.types import EditResult, Status

_HEADERS = {"path": "x-samebytes-path", "language": "x-samebytes-language"}
CLIENT_CLOSED = 499  # nobody reads it; for the log of a proxy


def make_app(answers: Answers, config: HttpConfig) -> Guard:
    """The ASGI application. Raises SecurityError where the token's file cannot be read."""
    routes = _Routes(answers, config)
    app = Starlette(
        routes=[
            Route(path, handler, methods=[method])
            for path, method, handler in (
                ("/v1/chat/completions", "POST", routes.chat),
                ("/v1/apply/chat/completions", "POST", routes.chat),
                ("/v1/code/apply", "POST", routes.code_apply),
                ("/v1/models", "GET", routes.models),
                ("/v1/models/{name}", "GET", routes.model),
                ("/health", "GET", routes.health),
                ("/openapi.json", "GET", routes.openapi),
            )
        ],
        exception_handlers={HTTPException: _not_routed},
    )
    token = TokenCheck.from_file(config.token_file) if config.token_file else None
    return Guard(app, token, config.hosts)


class _Routes:
    def __init__(self, answers: Answers, config: HttpConfig) -> None:
        self._answers, self._config = answers, config

    async def chat(self, request: Request) -> Response:
        return await self._edit(request, "chat.completions", shapes.chat)

    async def code_apply(self, request: Request) -> Response:
        return await self._edit(request, "code.apply", shapes.code_apply)

    async def models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name != shapes.MODEL:
            return errors.from_http_error(
                errors.HttpError(404, f"There is no model {name!r}; any name is taken.", "model_not_found")
            )
        return JSONResponse(self._model())

    def _model(self) -> dict[str, Any]:
        return {
            "id": shapes.MODEL,
            "object": "model",
            "created": 0,
            "owned_by": "samebytes",
            "fingerprint": self._answers.fingerprint,
        }

    async def health(self, _: Request) -> Response:
        ready = self._answers.edits is not None
        return JSONResponse({"status": "serving" if ready else "starting"}, 200 if ready else 503)

    async def openapi(self, _: Request) -> Response:
        return JSONResponse(document(), headers={"Cache-Control": "no-cache"})

    async def _edit(
        self, request: Request, method: str, read: Callable[[shapes.Body, shapes.Body], shapes.Asked]
    ) -> Response:
        try:
            with self._answers.watched("http", method, tracing.caller(request.headers.items())) as span:
                self._answers.running()
                asked = _asked(await self._body(request), _stated(request), read)
                result = await _while_connected(request, self._answers.run(asked.request, span))
        except errors.HttpError as error:
            return errors.from_http_error(error)
        except CallError as error:
            return errors.from_call_error(error)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED)
        except Exception as error:
            return errors.from_call_error(report_bug(error))
        if result.status is Status.REFUSED:
            return errors.from_refusal(asked.request, result)
        return _written(asked, result)

    async def _body(self, request: Request) -> Any:
        """The body's bytes, where they come in time and are not too many. Raises HttpError."""
        most, seconds = self._config.max_message_bytes, self._config.body_seconds
        too_large = errors.HttpError(
            413, f"The request has more than {most:,} bytes; see --max-message-bytes.", "too_large"
        )
        stated = request.headers.get("content-length", "")
        if stated.isdecimal() and len(stated) < 20 and int(stated) > most:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(seconds):
                async for piece in request.stream():
                    body += piece
                    if len(body) > most:
                        raise too_large
        except TimeoutError:
            raise errors.HttpError(408, f"The body did not arrive within {seconds:g} s.", "timeout") from None
        return body


def _asked(
    body: bytearray, stated: shapes.Body, read: Callable[[shapes.Body, shapes.Body], shapes.Asked]
) -> shapes.Asked:
    """Raises HttpError."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.HttpError(400, "The body is no JSON.", "invalid_json") from None
    if not isinstance(message, dict):
        raise errors.HttpError(400, "The body is no JSON object.", "invalid_json")
    try:
        return read(message, stated)
    except shapes.FieldError as error:
        raise errors.HttpError(400, str(error), "invalid_value", error.field) from None
    except shapes.PromptError as error:
        raise errors.HttpError(400, str(error), "invalid_prompt", "messages") from None


def _stated(request: Request) -> dict[str, str]:
    """Path and language of the headers, in UTF-8. Raises HttpError."""
    stated = {}
    for name, header in _HEADERS.items():
        value = request.headers.get(header)
        if value is not None:
            try:
                stated[name] = value.encode("latin-1").decode("utf-8")
            except UnicodeDecodeError:
                raise errors.HttpError(
                    400, f"{header} is not in UTF-8; send samebytes.{name} in the body.", "invalid_value"
                ) from None
    return stated


async def _while_connected(request: Request, answer: Coroutine[Any, Any, EditResult]) -> EditResult:
    """The answer, given up as soon as nobody waits for it. Raises ClientDisconnect then."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_disconnected(request.receive))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return await work
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait((work,))


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(asked: shapes.Asked, result: EditResult) -> Response:
    headers = receipt_headers(result)
    if not asked.stream:
        return JSONResponse(asked.whole(result), headers=headers)
    headers |= {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_each(asked.events(result)), media_type="text/event-stream", headers=headers)


async def _each(events: Any) -> Any:
    """Without this, Starlette would fetch every event in a thread."""
    for event in events:
        yield event


async def _not_routed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return errors.from_http_error(errors.HttpError(error.status_code, f"{error.detail}.", code))
