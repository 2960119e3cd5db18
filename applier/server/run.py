"""The server process: listen, load, test, serve, drain."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from applier.api.v1 import apply_pb2, apply_pb2_grpc
from applier.server.config import ServerConfig
from applier.server.service import ApplyService
from applier.server.workers import AppliesEdits

SERVICE_NAME = apply_pb2.DESCRIPTOR.services_by_name["ApplyService"].full_name

log = structlog.get_logger("samebytes.server")


class BindError(RuntimeError):
    """The address cannot be listened on."""


@dataclass(frozen=True)
class RunningServer:
    """A server that listens on `host:port`."""

    host: str
    port: int
    service: ApplyService

    @property
    def target(self) -> str:
        """The address for a gRPC client."""
        return f"{self.host}:{self.port}"


@contextlib.asynccontextmanager
async def running_server(
    config: ServerConfig, load: Callable[[], AppliesEdits]
) -> AsyncIterator[RunningServer]:
    """Listen at once, and serve as soon as `load` has returned an Applier whose self-test passed.

    Health says NOT_SERVING until then, and again from the moment the block is left; calls in work then have
    `config.grace_seconds` to end. Raises BindError, and what `load` raises.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
    )
    health = health_aio.HealthServicer()
    await _set_health(health, health_pb2.HealthCheckResponse.NOT_SERVING)
    service = ApplyService(config.workers, config.max_waiting, config.stream_window)
    apply_pb2_grpc.add_ApplyServiceServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        [SERVICE_NAME, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME],
        server,
    )
    try:
        port = server.add_insecure_port(f"{config.host}:{config.port}")
    except RuntimeError as error:
        raise BindError(f"cannot listen on {config.host}:{config.port}: is it in use?") from error
    await server.start()
    try:
        log.info("listening", host=config.host, port=port)
        applier = await asyncio.get_running_loop().run_in_executor(None, load)
        service.ready(applier)
        await _set_health(health, health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", fingerprint=applier.fingerprint())
        yield RunningServer(config.host, port, service)
    finally:
        await health.enter_graceful_shutdown()
        await server.stop(config.grace_seconds)
        service.close()
        log.info("stopped")


async def _set_health(health: health_aio.HealthServicer, status: int) -> None:
    for name in ("", SERVICE_NAME):
        await health.set(name, status)


async def serve_until_signal(config: ServerConfig, load: Callable[[], AppliesEdits]) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_server(config, load):
        await stop.wait()
        log.info("draining")
