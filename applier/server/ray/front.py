"""A front: ApplyService as Ray Serve calls it, over replicas elsewhere. Knows Ray's context and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import grpc

from applier.api import errors
from applier.api.v1 import apply_pb2 as pb
from applier.server.answers import RunsEdits
from applier.server.metrics import ServerMetrics
from applier.server.security import TokenCheck
from applier.server.service import ApplyService


class RayContext(Protocol):
    """What is used of ray.serve.grpc_util.RayServegRPCContext."""

    def invocation_metadata(self) -> Sequence[tuple[str, str]]: ...
    def set_code(self, code: grpc.StatusCode) -> None: ...
    def set_details(self, details: str) -> None: ...
    def set_trailing_metadata(self, trailing_metadata: list[tuple[str, Any]]) -> None: ...


class Aborted(Exception):
    """The call has its status."""


class _Context:
    """A Ray context with the methods of grpc.aio's that ApplyService uses."""

    def __init__(self, context: RayContext) -> None:
        self._context = context
        self.written: asyncio.Queue[pb.ApplyEditsResponse] = asyncio.Queue(1)

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        return self._context.invocation_metadata()

    async def abort(
        self, code: grpc.StatusCode, details: str, trailing_metadata: Sequence[tuple[str, Any]] = ()
    ) -> None:
        self._context.set_code(code)
        self._context.set_details(details)
        self._context.set_trailing_metadata(list(trailing_metadata))
        raise Aborted

    async def write(self, message: pb.ApplyEditsResponse) -> None:
        await self.written.put(message)


class Front:
    """The methods of ApplyService. A call that failed has its status in the context, and an empty answer."""

    def __init__(
        self, edits: RunsEdits, fingerprint: str, token_file: Path | None, stream_window: int
    ) -> None:
        self.metrics = ServerMetrics()
        self._service = ApplyService(stream_window, self.metrics)
        self._service.ready(edits, fingerprint)
        self._token = TokenCheck.from_file(token_file) if token_file else None

    async def apply_edit(self, request: pb.ApplyEditRequest, context: RayContext) -> pb.ApplyEditResponse:
        """ApplyEdit."""
        adapted = _Context(context)
        try:
            await self._check(adapted)
            return await self._service.ApplyEdit(request, adapted)
        except Aborted:
            return pb.ApplyEditResponse()

    async def apply_patch(self, request: pb.ApplyPatchRequest, context: RayContext) -> pb.ApplyPatchResponse:
        """ApplyPatch."""
        adapted = _Context(context)
        try:
            await self._check(adapted)
            return await self._service.ApplyPatch(request, adapted)
        except Aborted:
            return pb.ApplyPatchResponse()

    async def get_fingerprint(
        self, request: pb.GetFingerprintRequest, context: RayContext
    ) -> pb.GetFingerprintResponse:
        """GetFingerprint."""
        adapted = _Context(context)
        try:
            await self._check(adapted)
            return await self._service.GetFingerprint(request, adapted)
        except Aborted:
            return pb.GetFingerprintResponse()

    async def apply_edits(
        self, requests: AsyncIterator[pb.ApplyEditsRequest], context: RayContext
    ) -> AsyncIterator[pb.ApplyEditsResponse]:
        """ApplyEdits. Raises Aborted: a stream's status comes with its answers, or from what it raises."""
        adapted = _Context(context)
        await self._check(adapted)
        written = adapted.written
        task = asyncio.create_task(self._service.ApplyEdits(requests, adapted))
        try:
            while not (task.done() and written.empty()):
                getter = asyncio.create_task(written.get())
                await asyncio.wait({task, getter}, return_when=asyncio.FIRST_COMPLETED)
                if getter.done() or not written.empty():
                    yield await getter
                else:
                    getter.cancel()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _check(self, context: _Context) -> None:
        if self._token is not None and not self._token.allows(context.invocation_metadata()):
            await errors.abort(context, errors.unauthenticated())
