"""The MCP server process, over stdio or streamable HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from applier.api.clients import AsyncClient
from applier.http.config import HttpConfig, is_loopback
from applier.http.guard import Guard
from applier.http.listener import Listener, until_signal
from applier.mcp.calls import Calls
from applier.mcp.roots import Roots
from applier.mcp.server import Protocol
from applier.server.answers import RunsEdits
from applier.server.security import SecurityError, TokenCheck
from applier.types import AppliesEdits

if TYPE_CHECKING:
    from applier.server.edits import Edits

Ready = Callable[[], Awaitable[RunsEdits]]  # to be awaited by each call that needs edits

log = structlog.get_logger("samebytes.mcp")


@dataclass(frozen=True, slots=True)
class McpSettings:
    """`roots`: folders whose files may be edited. `allowed`: guarded places that may be; see
    `applier.workspace.guarded`.
    """

    roots: tuple[Path, ...] = ()
    allowed: tuple[str, ...] = ()


@contextlib.asynccontextmanager
async def local_edits(config: HttpConfig, load: Callable[[], AppliesEdits]) -> AsyncIterator[Ready]:
    """Edits in this process. The model is loaded and tested beside what else begins; the first call waits."""
    loop = asyncio.get_running_loop()

    def start() -> Edits:
        # Imported here, so that the protocol is answered before the arithmetic is in memory.
        from applier.server.edits import Edits
        from applier.server.memo import open_store
        from applier.server.metrics import ServerMetrics

        return Edits(load(), config, ServerMetrics(), open_store(config))

    loading = loop.run_in_executor(None, start)
    try:
        yield lambda: asyncio.shield(loading)
    finally:
        with contextlib.suppress(Exception):
            edits = await loading
            await loop.run_in_executor(None, edits.close)


@contextlib.asynccontextmanager
async def remote_edits(address: str) -> AsyncIterator[Ready]:
    """Edits by a samebytes server."""

    async def ready() -> RunsEdits:
        return client

    async with AsyncClient(address) as client:
        yield ready


def protocol(ready: Ready, settings: McpSettings, trusting: bool) -> Protocol:
    """Raises NotEditableError where a root is no folder."""
    calls = Calls(ready, Roots(settings.roots, trusting), settings.allowed)
    return Protocol(calls, version("samebytes"))


async def serve_stdio(ready: Ready, settings: McpSettings) -> None:
    """Serve the client that started this process, until it closes its end."""
    server = protocol(ready, settings, trusting=True).server
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


@contextlib.asynccontextmanager
async def running_mcp_server(config: HttpConfig, ready: Ready, settings: McpSettings) -> AsyncIterator[str]:
    """Serve sessions at the address that is given back. Raises BindError, SecurityError, NotEditableError.

    What may write files is reachable from other machines only by those who have the token.
    """
    if not is_loopback(config.host) and config.token_file is None:
        raise SecurityError("to serve MCP to other machines, require a token: --token-file")
    server = protocol(ready, settings, trusting=False).server
    hosts = config.hosts
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=hosts is not None,
        allowed_hosts=[name for host in hosts or () for name in (host, f"{host}:*")],
        allowed_origins=[f"{scheme}://{host}:*" for host in hosts or () for scheme in ("http", "https")],
    )
    app = server.streamable_http_app(
        host=config.host,
        transport_security=security,
        max_request_body_size=config.max_message_bytes,
        max_sessions=config.most_connections,
    )
    token = TokenCheck.from_file(config.token_file) if config.token_file else None
    listener = Listener(Guard(app, token, hosts), config)
    try:
        await listener.start()
        yield f"{'https' if config.tls_certificate else 'http'}://{config.host}:{listener.port}/mcp"
    finally:
        await listener.stop()


async def serve_http(config: HttpConfig, ready: Ready, settings: McpSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    async with running_mcp_server(config, ready, settings) as address:
        log.info("serving", address=address)
        await until_signal()
