"""How a client should call ApplyService: several servers, retries, and messages of any size.

An edit is a pure function, so asking again is harmless, and any server with the same fingerprint gives the
same bytes: calls are spread over all servers, and one that fails before it is answered goes to another.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio

SERVICE = "applier.api.v1.ApplyService"
ATTEMPTS = 5  # gRPC itself makes no more
FIRST_SECONDS, MOST_SECONDS = 0.2, 3.0
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": ATTEMPTS,
                "initialBackoff": f"{FIRST_SECONDS}s",
                "maxBackoff": f"{MOST_SECONDS}s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ],
}


def channel_options(most_bytes: int = 64 << 20) -> list[tuple[str, Any]]:
    """Options of a gRPC channel. `most_bytes` bounds the requests that are kept for retries: with gRPC's own
    limit of 256 KiB, a larger file would never be retried.
    """
    return [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.enable_retries", 1),
        ("grpc.per_rpc_retry_buffer_size", most_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
    ]


def target_of(addresses: Sequence[str]) -> str:
    """One gRPC target for several servers, each an IPv4 address with a port; a single one may be any target.

    Names are not mixed with addresses: give servers behind one name as `dns:///name:port`.
    """
    if not addresses:
        raise ValueError("no server to call")
    return addresses[0] if len(addresses) == 1 else "ipv4:" + ",".join(addresses)


class RetryInterceptor(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc has no types
    """Retries that gRPC does not make: it treats an error that comes after the headers as final.

    Ray Serve's proxies answer in this way, with INTERNAL, when a process behind them died. Give it to
    `grpc.aio.insecure_channel(target, options, interceptors=[RetryInterceptor()])`; a call's timeout covers
    all its attempts.
    """

    def __init__(
        self,
        attempts: int = ATTEMPTS,
        codes: Sequence[grpc.StatusCode] = (
            grpc.StatusCode.INTERNAL,
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        ),
    ) -> None:
        self._attempts, self._codes = attempts, frozenset(codes)

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """The first attempt whose outcome is final, or else the last one."""
        details = client_call_details
        end = None if details.timeout is None else time.monotonic() + details.timeout
        wait = FIRST_SECONDS
        for attempt in range(1, self._attempts + 1):
            call = await continuation(details, request)
            if attempt == self._attempts or await call.code() not in self._codes:
                break
            pause = wait * random.uniform(0.5, 1)
            if end is not None:
                left = end - time.monotonic() - pause
                if left <= 0:
                    break
                details = details._replace(timeout=left)
            await asyncio.sleep(pause)
            wait = min(2 * wait, MOST_SECONDS)
        return call
