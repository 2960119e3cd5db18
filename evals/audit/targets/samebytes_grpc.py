"""This project's applier over gRPC."""

from __future__ import annotations

import grpc.aio

from applier.api.convert import request_to_proto
from applier.api.v1.apply_pb2_grpc import ApplyServiceStub
from evals.audit.target import Ask, Reply
from evals.audit.targets.samebytes import EditWorkload

MAX_MESSAGE = 64 << 20  # bytes; gRPC's own limit of 4 MiB is less than a large file


class Grpc:
    """A served applier at `host:port`, without TLS."""

    samples = False

    def __init__(self, address: str, timeout: float = 300, workload: EditWorkload | None = None) -> None:
        self.name = f"samebytes over gRPC at {address}"
        self.model = "unknown"
        self.workload = workload or EditWorkload()
        self._address, self._timeout = address, timeout
        self._channel: grpc.aio.Channel | None = None

    async def ask(self, ask: Ask) -> Reply:
        if self._channel is None:  # made here, since a channel belongs to the event loop that is running
            options = [("grpc.max_receive_message_length", MAX_MESSAGE)]
            self._channel = grpc.aio.insecure_channel(self._address, options=options)
        service = ApplyServiceStub(self._channel)
        reply = await service.ApplyEdit(request_to_proto(ask.payload), timeout=self._timeout)
        refused = f"refused: {reply.refusal.reason}: {reply.refusal.message}".encode()
        return Reply(
            output=refused if reply.HasField("refusal") else reply.content,
            fingerprint=reply.receipt.fingerprint or None,
            receipt=bool(reply.receipt.request_sha256),
            # An answer that took time, but none to read its edit, is one that the server had kept.
            memo=reply.timing.total_ms > 0 and reply.timing.parse_ms == 0,
        )

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
