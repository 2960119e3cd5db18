"""`samebytes http`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from applier.exits import USAGE, CommandError

app = typer.Typer(add_completion=False)

HostOption = Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. Default: 8432.")]
CertificateOption = Annotated[Path | None, typer.Option(help="PEM chain; serve TLS.")]
KeyOption = Annotated[Path | None, typer.Option(help="PEM key of the certificate.")]
ClientCaOption = Annotated[Path | None, typer.Option(help="Require client certificates of it.")]
TokenOption = Annotated[Path | None, typer.Option(help="File with the bearer token to require.")]
HostsOption = Annotated[
    list[str] | None, typer.Option(help="Another name by which a server on loopback may be called.")
]
ModelOption = Annotated[Path | None, typer.Option(help="A model by name or folder, instead of the default.")]


@app.command()
def http(
    host: HostOption = None,
    port: PortOption = None,
    workers: Annotated[int | None, typer.Option(help="Edits at a time. Default: 256.")] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes that place and check edits. Default: many beside a GPU.")
    ] = None,
    max_message_bytes: Annotated[int | None, typer.Option(help="Largest request. Default: 32 MiB.")] = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_client_ca: ClientCaOption = None,
    token_file: TokenOption = None,
    allowed_host: HostsOption = None,
    metrics_port: Annotated[int | None, typer.Option(help="Serve Prometheus metrics here.")] = None,
    memo_bytes: Annotated[int | None, typer.Option(help="Memory for the memo of results; 0: none.")] = None,
    memo_file: Annotated[Path | None, typer.Option(help="Keep the memo in this sqlite file too.")] = None,
    model: ModelOption = None,
) -> None:
    """Serve edits over HTTP until SIGTERM or SIGINT, to clients of Morph, Relace, FastApply and OpenAI.

    Every setting can also be given as an environment variable, such as SAMEBYTES_HTTP_PORT.
    """
    try:
        from applier.http.config import HttpConfig
        from applier.http.run import serve_until_signal
    except ModuleNotFoundError as error:
        raise CommandError(f"{error}; install samebytes[http]", USAGE) from error
    from applier.cli.settings import settings
    from applier.engine.options import CacheBudgetError
    from applier.loading import load_tested_applier
    from applier.memo import MemoError
    from applier.server.logs import configure_logs
    from applier.server.malloc import return_large_blocks
    from applier.server.run import BindError
    from applier.server.security import SecurityError

    config = settings(
        HttpConfig,
        host=host,
        port=port,
        workers=workers,
        processes=processes,
        max_message_bytes=max_message_bytes,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        token_file=token_file,
        allowed_hosts=tuple(allowed_host or ()),
        metrics_port=metrics_port,
        memo_bytes=memo_bytes,
        memo_file=memo_file,
    )
    configure_logs()
    return_large_blocks()
    try:
        asyncio.run(serve_until_signal(config, lambda: load_tested_applier(model)))
    except (BindError, CacheBudgetError, MemoError, SecurityError) as error:
        raise CommandError(str(error), USAGE) from error
