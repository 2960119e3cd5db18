"""`samebytes serve`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from applier.exits import USAGE, CommandError

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one. Default: 50051.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Edits at a time. Default: 256.")] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes that place and check edits. Default: many beside a GPU.")
    ] = None,
    cache_mib: Annotated[
        int | None, typer.Option(help="Memory for running merges. Default: a quarter, at most 4096.")
    ] = None,
    max_message_bytes: Annotated[int | None, typer.Option(help="Largest request. Default: 32 MiB.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM chain; serve TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of the certificate.")] = None,
    tls_client_ca: Annotated[Path | None, typer.Option(help="Require client certificates of it.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the bearer token to require.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Serve Prometheus metrics here.")] = None,
    memo_bytes: Annotated[int | None, typer.Option(help="Memory for the memo of results; 0: none.")] = None,
    memo_file: Annotated[Path | None, typer.Option(help="Keep the memo in this sqlite file too.")] = None,
    memo_check_rate: Annotated[
        float | None, typer.Option(help="Share of memo hits that are computed again.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model by name or folder, instead of the default.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="A TOML file of settings, such as port = 50051.")
    ] = None,
) -> None:
    """Serve edits over gRPC until SIGTERM or SIGINT, with health and reflection.

    Every setting can also be given as an environment variable, such as SAMEBYTES_SERVER_PORT, or in the file
    that --config names. An option goes before the file, and the file before the environment.
    """
    from pydantic import ValidationError

    from applier.engine.options import CacheBudgetError
    from applier.loading import load_tested_applier
    from applier.memo import MemoError
    from applier.server.config import ServerConfig
    from applier.server.logs import configure_logs
    from applier.server.malloc import return_large_blocks
    from applier.server.run import BindError, serve_until_signal
    from applier.server.security import SecurityError

    stated: dict[str, Any] = {
        "host": host,
        "port": port,
        "workers": workers,
        "processes": processes,
        "cache_mib": cache_mib,
        "max_message_bytes": max_message_bytes,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "tls_client_ca": tls_client_ca,
        "token_file": token_file,
        "metrics_port": metrics_port,
        "memo_bytes": memo_bytes,
        "memo_file": memo_file,
        "memo_check_rate": memo_check_rate,
    }
    try:
        given = {name: value for name, value in stated.items() if value is not None}
        config = ServerConfig(**(_settings_of(config_file) | given))
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(": ".join([*map(str, first["loc"]), first["msg"]]), USAGE) from error
    configure_logs()
    return_large_blocks()
    try:
        asyncio.run(serve_until_signal(config, lambda: load_tested_applier(model)))
    except (BindError, CacheBudgetError, MemoError, SecurityError) as error:
        raise CommandError(str(error), USAGE) from error


def _settings_of(path: Path | None) -> dict[str, Any]:
    """The settings in a TOML file. Raises CommandError where it cannot be read or names an unknown one."""
    import tomllib

    from applier.server.config import ServerConfig

    if path is None:
        return {}
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", USAGE) from error
    except ValueError as error:
        raise CommandError(f"{path}: not TOML: {error}", USAGE) from error
    if unknown := sorted(settings.keys() - ServerConfig.model_fields.keys()):
        raise CommandError(f"{path}: there is no setting {unknown[0]!r}", USAGE)
    return settings
