"""The server process: listen, load, test, serve, drain."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from applier.api.v1 import apply_pb2, apply_pb2_grpc
from applier.server.config import ServerConfig
from applier.server.decoding import DecodeInterceptor
from applier.server.edits import Edits
from applier.server.memo import open_store
from applier.server.metrics import ServerMetrics
from applier.server.security import TokenCheck, TokenInterceptor, is_loopback, server_credentials
from applier.server.service import ApplyService
from applier.types import AppliesEdits

SERVICE_NAME = apply_pb2.DESCRIPTOR.services_by_name["ApplyService"].full_name

# Calls that the event loop has not picked up yet. Beyond its own limit of 1,000 gRPC cancels calls at random,
# which tells a client nothing; what is too much for the workers is turned away with a reason instead.
MOST_PENDING = 20_000

_QUIET_SECONDS = 0.1  # without a new call, and all are taken up

log = structlog.get_logger("samebytes.server")


class BindError(RuntimeError):
    """An address cannot be listened on."""


@dataclass(frozen=True)
class RunningServer:
    """A server that listens on `host:port`."""

    host: str
    port: int
    metrics_port: int | None

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
    `config.grace_seconds` to end. Raises BindError, SecurityError, MemoError, CacheBudgetError, and what
    `load` raises.
    """
    interceptors: list[grpc.aio.ServerInterceptor] = [DecodeInterceptor()]
    if config.token_file:
        interceptors.insert(0, TokenInterceptor(TokenCheck.from_file(config.token_file)))
        if config.tls_certificate is None and not is_loopback(config.host):
            log.warning("the bearer token crosses the network unencrypted: serve TLS", host=config.host)
    server = grpc.aio.server(
        interceptors=interceptors,
        options=[
            ("grpc.max_receive_message_length", config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.server.max_pending_requests", MOST_PENDING),
            ("grpc.server.max_pending_requests_hard_limit", 2 * MOST_PENDING),
        ],
    )
    health = health_aio.HealthServicer()
    await _set_health(health, health_pb2.HealthCheckResponse.NOT_SERVING)
    metrics = ServerMetrics()
    service = ApplyService(config.stream_window, metrics)
    apply_pb2_grpc.add_ApplyServiceServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        [SERVICE_NAME, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME],
        server,
    )
    port = _bind(server, config)
    store = open_store(config)
    await server.start()
    exporter = edits = watch = None
    try:
        if config.metrics_port is not None:
            exporter = serve_metrics(metrics, config.host, config.metrics_port)
        metrics_port = exporter.server_port if exporter else None
        log.info("listening", host=config.host, port=port, metrics_port=metrics_port)
        loop = asyncio.get_running_loop()
        applier = await loop.run_in_executor(None, load)
        edits = await loop.run_in_executor(None, Edits, applier, config, metrics, store)
        service.ready(edits, edits.fingerprint)
        await _set_health(health, health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", fingerprint=edits.fingerprint)
        watch = asyncio.create_task(_watch(health, edits, config.watch_seconds))
        yield RunningServer(config.host, port, metrics_port)
    finally:
        if watch is not None:
            watch.cancel()
        await health.enter_graceful_shutdown()
        await _take_up(service, config.grace_seconds / 2)
        await server.stop(config.grace_seconds)
        if edits is not None:
            await asyncio.get_running_loop().run_in_executor(None, edits.close)
        elif store is not None:
            store.close()
        if exporter is not None:
            exporter.shutdown()
            exporter.server_close()
        log.info("stopped")


def _bind(server: grpc.aio.Server, config: ServerConfig) -> int:
    address = f"{config.host}:{config.port}"
    credentials = server_credentials(config)
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise BindError(f"cannot listen on {address}: is it in use?") from error


def serve_metrics(metrics: ServerMetrics, host: str, port: int) -> WSGIServer:
    """Prometheus over HTTP, in a thread. Raises BindError."""
    try:
        return metrics.serve(host, port)
    except OSError as error:
        raise BindError(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error


async def _set_health(health: health_aio.HealthServicer, status: int) -> None:
    for name in ("", SERVICE_NAME):
        await health.set(name, status)


async def _watch(health: health_aio.HealthServicer, edits: Edits, seconds: float) -> None:
    """Let health say whether edits get through: a server that only answers health is not serving."""
    serving = True
    while True:
        await asyncio.sleep(seconds / 3)
        through = await edits.get_through(seconds)
        if through is not serving:
            serving = through
            log.log(20 if serving else 40, "edits get through" if serving else "no edit gets through")
            ours = health_pb2.HealthCheckResponse
            await _set_health(health, ours.SERVING if serving else ours.NOT_SERVING)


async def _take_up(service: ApplyService, most_seconds: float) -> None:
    """Take up the calls that were accepted: gRPC cancels those that no handler has got when it stops."""
    end = time.monotonic() + most_seconds
    begun = -1
    while begun != service.begun and time.monotonic() < end:
        begun = service.begun
        await asyncio.sleep(_QUIET_SECONDS)


async def serve_until_signal(config: ServerConfig, load: Callable[[], AppliesEdits]) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_server(config, load):
        await stop.wait()
        log.info("draining")
