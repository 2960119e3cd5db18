"""Messages that are no protobuf: INVALID_ARGUMENT, where gRPC itself would say UNKNOWN."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from applier.api.errors import abort, undecodable
from applier.api.v1.apply_pb2 import DESCRIPTOR

_OURS = f"/{DESCRIPTOR.services_by_name['ApplyService'].full_name}/"
_UNDECODABLE = object()


class DecodeInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Ends a call whose message cannot be decoded, with a reason."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """The method's own handler, which is not called for such a message."""
        handler: Any = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_OURS):
            return handler
        decode = handler.request_deserializer

        def lenient(data: bytes) -> Any:
            try:
                return decode(data)
            except DecodeError:
                return _UNDECODABLE

        handler = handler._replace(request_deserializer=lenient)
        if handler.unary_unary is not None:
            return handler._replace(unary_unary=_one(handler.unary_unary))
        if handler.stream_stream is not None:
            return handler._replace(stream_stream=_many(handler.stream_stream))
        return handler


def _one(answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(request: Any, context: grpc.aio.ServicerContext) -> Any:
        if request is _UNDECODABLE:
            await abort(context, undecodable())
        return await answer(request, context)

    return call


def _many(answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(requests: AsyncIterator[Any], context: grpc.aio.ServicerContext) -> None:
        async def decoded() -> AsyncIterator[Any]:
            async for request in requests:
                if request is _UNDECODABLE:
                    await abort(context, undecodable())
                yield request

        await answer(decoded(), context)

    return call
