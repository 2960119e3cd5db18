"""An ASGI application served by uvicorn on one address, with TLS where it is configured."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from applier.http.config import HttpConfig, is_loopback
from applier.server.run import BindError
from applier.server.security import tls_context

log = structlog.get_logger("samebytes.http")


class _Server(uvicorn.Server):
    """Uvicorn's own handlers of signals end the process before what we hold is given back."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """Listens from `start` to `stop`."""

    def __init__(self, app: ASGIApp, config: HttpConfig) -> None:
        self._app, self._config = app, config
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Returns when connections are accepted. Raises BindError and SecurityError."""
        config = self._config
        context = tls_context(config)
        bound = _bind(config.host, config.port)
        self.port = bound.getsockname()[1]
        logging.getLogger("uvicorn").disabled = True  # its lines may quote a request
        settings = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="on",
            limit_concurrency=config.most_connections,
            timeout_graceful_shutdown=max(1, round(config.grace_seconds)),
            h11_max_incomplete_event_size=64 << 10,
            ssl_context_factory=None if context is None else lambda *_: context,
        )
        self._server = _Server(settings)
        self._serving = asyncio.create_task(self._server.serve([bound]))
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise BindError(f"cannot serve on {config.host}:{config.port}")
            await asyncio.sleep(0.001)
        if not is_loopback(config.host) and (config.token_file is None or context is None):
            log.warning("reachable from other machines", token=bool(config.token_file), tls=bool(context))
        log.info("listening", host=config.host, port=self.port, tls=context is not None)

    async def stop(self) -> None:
        """Accepts nothing any more; what is in work has the grace time."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving


async def until_signal() -> None:
    """Returns on SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    log.info("draining")


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol stated asyncio sets TCP_NODELAY; without, an answer waits 40 ms for an ACK.
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise BindError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return bound
