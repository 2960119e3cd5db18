"""How a client should call ApplyService: several servers, retries, and messages of any size.

An edit is a pure function, so asking again is harmless, and any server with the same fingerprint gives the
same bytes: calls go round all servers, and one that fails before it was answered is sent to another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SERVICE = "applier.api.v1.ApplyService"
# gRPC itself makes at most five attempts.
_SERVICE_CONFIG: dict[str, Any] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "3s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ],
}


def channel_options(most_bytes: int = 64 << 20) -> list[tuple[str, Any]]:
    """Options of a gRPC channel. `most_bytes` bounds the requests that are kept to be sent again: with gRPC's
    own limit of 256 KiB, a larger file would be sent once only.
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
