"""Server settings: arguments of `samebytes serve`, or environment variables `SAMEBYTES_SERVER_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class ServerConfig(BaseSettings):
    """How to serve. Nothing here changes an answer."""

    model_config = SettingsConfigDict(env_prefix="SAMEBYTES_SERVER_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=50051, ge=0, le=65535, description="0 takes a free port")
    max_message_bytes: int = Field(default=32 * MIB, gt=0, description="largest request accepted")
    workers: int = Field(
        default=256, gt=0, description="edits at a time; their merges share the model's passes"
    )
    processes: int | None = Field(
        default=None,
        ge=0,
        description="processes that place and check edits; default: 2, beside a GPU as many as cores",
    )
    max_waiting: int = Field(default=256, ge=0, description="edits queued before RESOURCE_EXHAUSTED")
    cache_mib: int | None = Field(
        default=None, gt=0, description="memory for running merges and the prefix cache; a GPU has its pool"
    )
    prefix_cache_mib: int | None = Field(
        default=None, ge=0, description="of cache_mib, for prompts seen before; default: a quarter"
    )
    batch_tokens: int | None = Field(default=None, gt=0, description="tokens of one pass of the model")
    stream_window: int = Field(
        default=32, gt=0, description="edits of one stream in work or unread at a time"
    )
    tls_certificate: Path | None = Field(default=None, description="PEM chain; with tls_key, serve TLS")
    tls_key: Path | None = Field(default=None, description="PEM private key of tls_certificate")
    tls_client_ca: Path | None = Field(default=None, description="PEM; clients must show a certificate of it")
    token_file: Path | None = Field(default=None, description="holds the bearer token that calls must carry")
    metrics_port: int | None = Field(default=None, ge=0, le=65535, description="Prometheus over HTTP")
    memo_bytes: int = Field(default=64 * MIB, ge=0, description="memory for the memo of results; 0: no memo")
    memo_file: Path | None = Field(
        default=None, description="sqlite file that keeps the memo, for several servers"
    )
    memo_file_bytes: int = Field(default=1024 * MIB, gt=0, description="most that memo_file holds")
    memo_check_rate: float = Field(
        default=0.01, ge=0, le=1, description="share of memo hits that are computed again and compared"
    )
    watch_seconds: float = Field(
        default=30.0, gt=0, description="health says NOT_SERVING when no edit is answered for so long"
    )
    grace_seconds: float = Field(default=10.0, ge=0, description="time for running calls at shutdown")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        return self
