"""ApplyService: convert the request, run the edit, convert the result; nothing else."""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from collections.abc import AsyncIterator
from typing import Protocol

import grpc
import structlog
from opentelemetry.context import Context

from applier import types
from applier.api import convert, errors
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.server import tracing
from applier.server.metrics import ServerMetrics

log = structlog.get_logger("samebytes.server")


class RunsEdits(Protocol):
    """Where edits are run: here, or in other processes."""

    async def apply(self, request: types.EditRequest) -> types.EditResult:
        """The answer. Raises CallError where there is none."""
        ...


class ApplyService(apply_pb2_grpc.ApplyServiceServicer):
    """Answers with UNAVAILABLE until `ready` was called."""

    def __init__(self, stream_window: int, metrics: ServerMetrics) -> None:
        self._stream_window = stream_window
        self._metrics = metrics
        self._edits: RunsEdits | None = None
        self._fingerprint = ""
        self.begun = 0  # edits

    def ready(self, edits: RunsEdits, fingerprint: str) -> None:
        """Start answering by `edits`, whose self-test has passed."""
        self._edits, self._fingerprint = edits, fingerprint

    async def ApplyEdit(
        self, request: pb.ApplyEditRequest, context: grpc.aio.ServicerContext
    ) -> pb.ApplyEditResponse:
        """One edit."""
        try:
            return await self._answer(request, "ApplyEdit", tracing.caller(context.invocation_metadata()))
        except errors.CallError as error:
            await errors.abort(context, error)

    async def ApplyEdits(
        self, requests: AsyncIterator[pb.ApplyEditsRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Many edits, answered in the order they came.

        At most `stream_window` edits are taken from the stream ahead of the answer being written, so that a
        client that does not read its answers is slowed down by flow control and takes no memory here.
        """
        answers: asyncio.Queue[asyncio.Task[pb.ApplyEditsResponse] | None] = asyncio.Queue(
            self._stream_window
        )
        parent = tracing.caller(context.invocation_metadata())
        async with asyncio.TaskGroup() as group:

            async def read() -> None:
                async for item in requests:
                    await answers.put(group.create_task(self._answer_item(item, parent)))
                await answers.put(None)

            group.create_task(read())
            while (answer := await answers.get()) is not None:
                await context.write(await answer)

    async def GetFingerprint(
        self, request: pb.GetFingerprintRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetFingerprintResponse:
        """What decides this server's answers."""
        if self._edits is None:
            await errors.abort(context, errors.not_ready())
        return pb.GetFingerprintResponse(fingerprint=self._fingerprint)

    async def _answer_item(self, item: pb.ApplyEditsRequest, parent: Context) -> pb.ApplyEditsResponse:
        try:
            response = await self._answer(item.request, "ApplyEdits", parent)
            return pb.ApplyEditsResponse(id=item.id, response=response)
        except errors.CallError as error:
            field = f"request.{error.field}" if error.field else ""
            edit_error = pb.EditError(code=error.code.value[0], message=error.message, field=field)
            return pb.ApplyEditsResponse(id=item.id, error=edit_error)

    async def _answer(
        self, message: pb.ApplyEditRequest, method: str, parent: Context
    ) -> pb.ApplyEditResponse:
        """Raises CallError, also for an exception that nobody expected."""
        self.begun += 1
        with self._metrics.in_flight.track_inprogress(), tracing.edit_span(method, parent) as span:
            try:
                return await self._apply(message, span)
            except errors.CallError as error:
                span.failed(error.code.name)
                self._metrics.failed(error.code.name)
                raise
            except asyncio.CancelledError:
                span.failed(grpc.StatusCode.CANCELLED.name)
                self._metrics.failed(grpc.StatusCode.CANCELLED.name)
                raise

    async def _apply(self, message: pb.ApplyEditRequest, span: tracing.EditSpan) -> pb.ApplyEditResponse:
        if self._edits is None:
            raise errors.not_ready()
        started = time.perf_counter()
        request = convert.request_from_proto(message)
        try:
            result = await self._edits.apply(request)
        except errors.CallError:
            raise
        except Exception as error:
            raise report_bug(error) from error
        span.answered(request, result)
        seconds = time.perf_counter() - started
        _log_result(request, result, seconds)
        if result.refusal is not None and result.refusal.reason is types.RefusalReason.STALE_ORIGINAL:
            raise errors.stale_original(result.refusal.message)
        self._metrics.answered(result, seconds)
        return convert.result_to_proto(result)


def _log_result(request: types.EditRequest, result: types.EditResult, seconds: float) -> None:
    log.info(
        "edit",
        status=result.status,
        reason=result.refusal.reason if result.refusal else None,
        tier=result.tier,
        format=result.format,
        original_bytes=len(request.original),
        edit_bytes=len(request.edit),
        request_sha256=result.receipt.request_sha256,
        result_sha256=result.receipt.result_sha256,
        merged_tokens=result.tokens.merged,
        passes=result.tokens.passes,
        milliseconds=round(seconds * 1000, 2),
    )


def report_bug(error: Exception) -> errors.CallError:
    """Log where an exception came from. Its message is left out: it may quote the file."""
    reference = secrets.token_hex(8)
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal error", reference=reference, exception=type(error).__name__, frames=frames)
    return errors.internal(reference)
