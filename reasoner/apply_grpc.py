"""Applying edits by a samebytes server."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from applier import types
from applier.api.convert import request_to_proto, result_from_proto
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from reasoner.errors import ReasonerError, RequestRejected, Unreachable

_RETRYABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class GrpcApplier:
    """A client of ApplyService. Overload is retried: asking twice for a pure function is harmless."""

    def __init__(self, target: str, timeout: float = 120.0, attempts: int = 4) -> None:
        self._target = target
        self._timeout = timeout
        self._attempts = attempts
        address = target.removeprefix("grpc+").removeprefix("grpc://")
        self._channel = grpc.aio.insecure_channel(
            address, options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        )
        self._stub = apply_pb2_grpc.ApplyServiceStub(self._channel)

    async def apply(self, request: types.EditRequest) -> types.EditResult:
        """Raises Unreachable or RequestRejected."""
        return result_from_proto(await self._call(self._stub.ApplyEdit, request_to_proto(request)))

    async def fingerprint(self) -> str:
        """The server's fingerprint. Raises Unreachable."""
        return (await self._call(self._stub.GetFingerprint, pb.GetFingerprintRequest())).fingerprint

    async def aclose(self) -> None:
        await self._channel.close()

    async def _call(self, method: Any, message: Any) -> Any:
        for attempt in range(1, self._attempts + 1):
            try:
                return await method(message, timeout=self._timeout)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _RETRYABLE or attempt == self._attempts:
                    raise self._typed(error) from None
                await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _typed(self, error: grpc.aio.AioRpcError) -> ReasonerError:
        said = f"the applier at {self._target}: {error.code().name}: {error.details()}"
        if error.code() in (*_RETRYABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return Unreachable(said)
        return RequestRejected(said)
