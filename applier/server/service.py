"""ApplyService: convert the request, run the edit, convert the result; nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from opentelemetry.context import Context

from applier.api import convert, errors, patch_convert
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.server import tracing
from applier.server.answers import Answers, RunsEdits
from applier.server.metrics import ServerMetrics


class ApplyService(apply_pb2_grpc.ApplyServiceServicer):
    """Answers with UNAVAILABLE until `ready` was called."""

    def __init__(self, stream_window: int, metrics: ServerMetrics) -> None:
        self._stream_window = stream_window
        self._answers = Answers(metrics)
        self.begun = 0  # edits

    def ready(self, edits: RunsEdits, fingerprint: str) -> None:
        """Start answering by `edits`, whose self-test has passed."""
        self._answers.ready(edits, fingerprint)

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

    async def ApplyPatch(
        self, request: pb.ApplyPatchRequest, context: grpc.aio.ServicerContext
    ) -> pb.ApplyPatchResponse:
        """One patch of several files."""
        try:
            with self._answers.watched("grpc", "ApplyPatch", tracing.caller(context.invocation_metadata())):
                self._answers.running()
                result = await self._answers.patch(patch_convert.request_from_proto(request))
                return patch_convert.result_to_proto(result)
        except errors.CallError as error:
            await errors.abort(context, error)

    async def GetFingerprint(
        self, request: pb.GetFingerprintRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetFingerprintResponse:
        """What decides this server's answers."""
        try:
            self._answers.running()
        except errors.CallError as error:
            await errors.abort(context, error)
        return pb.GetFingerprintResponse(fingerprint=self._answers.fingerprint)

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
        self.begun += 1
        with self._answers.watched("grpc", method, parent) as span:
            self._answers.running()
            return convert.result_to_proto(await self._answers.run(convert.request_from_proto(message), span))
