"""`samebytes mcp`."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from applier.cli.http import (
    CertificateOption,
    ClientCaOption,
    HostOption,
    HostsOption,
    KeyOption,
    ModelOption,
    PortOption,
    TokenOption,
)
from applier.exits import USAGE, CommandError

if TYPE_CHECKING:
    from applier.http.config import HttpConfig
    from applier.mcp.run import McpSettings, Ready

app = typer.Typer(add_completion=False)


@app.command()
def mcp(
    root: Annotated[
        list[Path] | None,
        typer.Option(help="A folder whose files may be edited. Default: the client's, or the current one."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A guarded place that may be edited too, such as '.github/workflows/**'."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="grpc://HOST:PORT of a samebytes server that does the edits; else this process."),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP at /mcp, not stdio.")] = False,
    host: HostOption = None,
    port: PortOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_client_ca: ClientCaOption = None,
    token_file: TokenOption = None,
    allowed_host: HostsOption = None,
    model: ModelOption = None,
) -> None:
    """Give an agent tools that edit files: edit_file, preview_edit, apply_patch, replay.

    The agent starts this command and talks to it over stdio; with --http, several agents call one server.
    """
    try:
        from applier.http.config import HttpConfig
        from applier.mcp.run import McpSettings
    except ModuleNotFoundError as error:
        raise CommandError(f"{error}; install samebytes[mcp]", USAGE) from error
    from applier.cli.settings import settings
    from applier.server.logs import configure_logs
    from applier.server.malloc import return_large_blocks
    from applier.server.run import BindError
    from applier.server.security import SecurityError
    from applier.workspace.errors import WorkspaceError

    config = settings(
        HttpConfig,
        host=host,
        port=port,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        token_file=token_file,
        allowed_hosts=tuple(allowed_host or ()),
    )
    configure_logs()
    return_large_blocks()
    chosen = McpSettings(tuple(root or ()), tuple(allow or ()))
    try:
        asyncio.run(_serve(config, chosen, server, model, http))
    except (BindError, SecurityError, WorkspaceError) as error:
        raise CommandError(str(error), USAGE) from error


async def _serve(
    config: HttpConfig, chosen: McpSettings, server: str | None, model: Path | None, http: bool
) -> None:
    from applier.mcp.run import serve_http, serve_stdio

    async with _edits(config, server, model) as ready:
        await (serve_http(config, ready, chosen) if http else serve_stdio(ready, chosen))


def _edits(config: HttpConfig, server: str | None, model: Path | None) -> AbstractAsyncContextManager[Ready]:
    """Where edits are done: by another server, or in this process."""
    from applier.loading import load_tested_applier
    from applier.mcp.run import local_edits, remote_edits

    if server is not None:
        if not server.startswith(("grpc://", "grpc+unix://")):
            raise CommandError(f"cannot reach a server at {server!r}; write grpc://HOST:PORT", USAGE)
        return remote_edits(server)
    return local_edits(config, lambda: load_tested_applier(model))
