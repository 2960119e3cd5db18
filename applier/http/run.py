"""The server process: listen, load, test, serve, drain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from applier.http.app import make_app
from applier.http.config import HttpConfig
from applier.http.listener import Listener, until_signal
from applier.server.answers import Answers
from applier.server.edits import Edits
from applier.server.memo import open_store
from applier.server.metrics import ServerMetrics
from applier.server.run import RunningServer, serve_metrics
from applier.types import AppliesEdits

log = structlog.get_logger("samebytes.http")


@contextlib.asynccontextmanager
async def running_http_server(
    config: HttpConfig, load: Callable[[], AppliesEdits]
) -> AsyncIterator[RunningServer]:
    """Listen at once, and answer edits as soon as `load` has returned an Applier whose self-test passed.

    Until then `/health` says 503. Raises BindError, SecurityError, MemoError, CacheBudgetError, and what
    `load` raises.
    """
    metrics = ServerMetrics()
    answers = Answers(metrics)
    listener = Listener(make_app(answers, config), config)
    loop = asyncio.get_running_loop()
    store = open_store(config)
    exporter = edits = None
    try:
        await listener.start()
        if config.metrics_port is not None:
            exporter = serve_metrics(metrics, config.host, config.metrics_port)
        applier = await loop.run_in_executor(None, load)
        edits = await loop.run_in_executor(None, Edits, applier, config, metrics, store)
        answers.ready(edits, edits.fingerprint)
        log.info("serving", fingerprint=edits.fingerprint)
        yield RunningServer(config.host, listener.port, exporter.server_port if exporter else None)
    finally:
        await listener.stop()
        if edits is not None:
            await loop.run_in_executor(None, edits.close)
        elif store is not None:
            store.close()
        if exporter is not None:
            exporter.shutdown()
            exporter.server_close()
        log.info("stopped")


async def serve_until_signal(config: HttpConfig, load: Callable[[], AppliesEdits]) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    async with running_http_server(config, load):
        await until_signal()
