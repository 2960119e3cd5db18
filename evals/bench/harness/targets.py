"""What is put under load: an Applier in this process, or a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from applier.types import EditRequest, EditResult

if TYPE_CHECKING:
    import grpc.aio

    from applier.pipeline import Applier


class TargetError(Exception):
    """A request got no answer; the message is one of a few names, such as a gRPC status code."""


class Target(Protocol):
    """Answers requests, any number at a time."""

    name: str

    async def apply(self, request: EditRequest) -> EditResult:
        """Raises TargetError."""
        ...

    async def close(self) -> None: ...


class InProcess:
    """Calls an Applier from `threads` threads; what comes when all are busy waits for one."""

    def __init__(self, applier: Applier, threads: int) -> None:
        self.name = f"in process, {threads} threads"
        self._applier = applier
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bench")

    async def apply(self, request: EditRequest) -> EditResult:
        """An exception of the Applier is the error of its request."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._applier.apply, request)
        except Exception as error:
            raise TargetError(type(error).__name__) from error

    async def close(self) -> None:
        """Wait for what is in work."""
        await asyncio.to_thread(self._pool.shutdown)


class Grpc:
    """A served applier at `host:port` without TLS; with a token where it wants one.

    Nothing is retried, unless the channel's `options` say so.
    """

    def __init__(
        self, address: str, timeout: float, token: str | None = None, options: Sequence[tuple[str, Any]] = ()
    ) -> None:
        self.name = f"gRPC {address}"
        self._address = address
        self._timeout = timeout
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            *(options or [("grpc.enable_retries", 0)]),  # who is turned away must show
        ]

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        """Opened by the first request: a channel belongs to the event loop that runs when it is made."""
        import grpc.aio

        return grpc.aio.insecure_channel(self._address, options=self._options)

    @cached_property
    def _apply(self) -> Any:
        from applier.api.v1.apply_pb2_grpc import ApplyServiceStub

        return ApplyServiceStub(self._channel).ApplyEdit

    async def apply(self, request: EditRequest) -> EditResult:
        """A status other than OK is an error by its name."""
        import grpc

        from applier.api.convert import request_to_proto, result_from_proto

        try:
            reply = await self._apply(
                request_to_proto(request), timeout=self._timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise TargetError(error.code().name) from error
        return result_from_proto(reply)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()
