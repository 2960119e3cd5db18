"""Typed clients of ApplyService: `Client` for threads, `AsyncClient` for asyncio.

    with Client("127.0.0.1:50051") as client:
        result = client.apply(EditRequest(original=..., edit=..., path="queue.py"))

Both go round all servers that they are given, try overloaded and vanished ones again within the deadline of
the call, and raise `ServerError` where there is no answer. A refused edit is an answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import grpc
import grpc.aio

from applier.api.client import channel_options, target_of
from applier.api.convert import request_to_proto, result_from_proto
from applier.api.patch_convert import request_to_proto as patch_to_proto
from applier.api.patch_convert import result_from_proto as patch_from_proto
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.patches.types import PatchRequest, PatchResult
from applier.types import EditRequest, EditResult

SECONDS = 60.0


class ServerError(Exception):
    """A call without an answer. `code` is gRPC's; nothing was changed anywhere."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code


class UnreachableError(ServerError):
    """No server answered in time, or all are overloaded: the same call may succeed later."""


class RejectedError(ServerError):
    """The request has no meaning, or may not be made: the same call fails again."""


class StaleOriginalError(RejectedError):
    """`expected_sha256` is not that of the original: the edit was written for another file."""


_LATER = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server is known, and how it knows us. PEM files; without `root` the system's roots count."""

    root: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Raises OSError where a file cannot be read."""
        root, key, chain = (file and file.read_bytes() for file in (self.root, self.key, self.certificate))
        return grpc.ssl_channel_credentials(root, key, chain)


def _address(address: str) -> str:
    """`grpc://HOST:PORT` and `grpc+unix:///PATH` as gRPC writes them."""
    return address.removeprefix("grpc+").removeprefix("grpc://")


class _Calls:
    """What both clients share."""

    def __init__(self, addresses: Sequence[str], timeout: float, token: str | None) -> None:
        self.target = target_of([_address(address) for address in addresses])
        self._timeout = timeout
        self._metadata = [("authorization", f"Bearer {token}")] if token else None

    def _options(self, timeout: float | None) -> dict[str, Any]:
        return {"timeout": self._timeout if timeout is None else timeout, "metadata": self._metadata}

    def _raise(self, error: grpc.RpcError) -> NoReturn:
        _raise_typed(error.code(), f"{error.details()} (server {self.target})")


def _raise_typed(code: grpc.StatusCode, message: str) -> NoReturn:
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        raise StaleOriginalError(code, message) from None
    raise (UnreachableError if code in _LATER else RejectedError)(code, message) from None


def _item(answer: pb.ApplyEditsResponse) -> EditResult:
    """The result of one edit of a stream. Raises ServerError."""
    if answer.HasField("error"):
        code = next(code for code in grpc.StatusCode if code.value[0] == answer.error.code)
        _raise_typed(code, answer.error.message)
    return result_from_proto(answer.response)


class Client(_Calls):
    """Calls from any thread. `timeout` is in seconds, for one call with its retries."""

    def __init__(
        self, *addresses: str, timeout: float = SECONDS, token: str | None = None, tls: Tls | None = None
    ) -> None:
        """Raises ValueError without an address, OSError where a file of `tls` cannot be read."""
        super().__init__(addresses, timeout, token)
        options = channel_options()
        self._channel = (
            grpc.insecure_channel(self.target, options)
            if tls is None
            else grpc.secure_channel(self.target, tls.credentials(), options)
        )
        self._stub: Any = apply_pb2_grpc.ApplyServiceStub(self._channel)

    def apply(self, request: EditRequest, timeout: float | None = None) -> EditResult:
        """One edit. Raises ServerError."""
        return result_from_proto(self._call(self._stub.ApplyEdit, request_to_proto(request), timeout))

    def apply_many(
        self, requests: Iterable[EditRequest], timeout: float | None = None
    ) -> Iterator[EditResult]:
        """Many edits over one stream, in the order in which they were given. Raises ServerError."""
        items = (pb.ApplyEditsRequest(request=request_to_proto(request)) for request in requests)
        try:
            for answer in self._stub.ApplyEdits(items, **self._options(timeout)):
                yield _item(answer)
        except grpc.RpcError as error:
            self._raise(error)

    def patch(self, request: PatchRequest, timeout: float | None = None) -> PatchResult:
        """One patch of several files. Raises ServerError."""
        return patch_from_proto(self._call(self._stub.ApplyPatch, patch_to_proto(request), timeout), request)

    def fingerprint(self, timeout: float | None = None) -> str:
        """What decides the answers. Raises ServerError."""
        message = self._call(self._stub.GetFingerprint, pb.GetFingerprintRequest(), timeout)
        return str(message.fingerprint)

    def close(self) -> None:
        """Give back the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: Any, message: Any, timeout: float | None) -> Any:
        try:
            return method(message, **self._options(timeout))
        except grpc.RpcError as error:
            self._raise(error)


class AsyncClient(_Calls):
    """As `Client`, for asyncio."""

    def __init__(
        self, *addresses: str, timeout: float = SECONDS, token: str | None = None, tls: Tls | None = None
    ) -> None:
        """Raises ValueError without an address, OSError where a file of `tls` cannot be read."""
        super().__init__(addresses, timeout, token)
        options = channel_options()
        self._channel = (
            grpc.aio.insecure_channel(self.target, options)
            if tls is None
            else grpc.aio.secure_channel(self.target, tls.credentials(), options)
        )
        self._stub: Any = apply_pb2_grpc.ApplyServiceStub(self._channel)

    async def apply(self, request: EditRequest, timeout: float | None = None) -> EditResult:
        """One edit. Raises ServerError."""
        return result_from_proto(await self._call(self._stub.ApplyEdit, request_to_proto(request), timeout))

    async def apply_many(
        self, requests: Iterable[EditRequest], timeout: float | None = None
    ) -> AsyncIterator[EditResult]:
        """Many edits over one stream, in the order in which they were given. Raises ServerError."""
        items = (pb.ApplyEditsRequest(request=request_to_proto(request)) for request in requests)
        try:
            async for answer in self._stub.ApplyEdits(items, **self._options(timeout)):
                yield _item(answer)
        except grpc.aio.AioRpcError as error:
            self._raise(error)

    async def patch(self, request: PatchRequest, timeout: float | None = None) -> PatchResult:
        """One patch of several files. Raises ServerError."""
        message = await self._call(self._stub.ApplyPatch, patch_to_proto(request), timeout)
        return patch_from_proto(message, request)

    async def fingerprint(self, timeout: float | None = None) -> str:
        """What decides the answers. Raises ServerError."""
        message = await self._call(self._stub.GetFingerprint, pb.GetFingerprintRequest(), timeout)
        return str(message.fingerprint)

    async def aclose(self) -> None:
        """Give back the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, method: Any, message: Any, timeout: float | None) -> Any:
        try:
            return await method(message, **self._options(timeout))
        except grpc.aio.AioRpcError as error:
            self._raise(error)
