"""Server settings: arguments of `samebytes serve`, or environment variables `SAMEBYTES_SERVER_*`."""

from __future__ import annotations

import os

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class ServerConfig(BaseSettings):
    """How to serve. Nothing here changes an answer."""

    model_config = SettingsConfigDict(env_prefix="SAMEBYTES_SERVER_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=50051, ge=0, le=65535, description="0 takes a free port")
    max_message_bytes: int = Field(default=32 * MIB, gt=0, description="largest request accepted")
    workers: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1), gt=0, description="edits at a time"
    )
    max_waiting: int = Field(default=256, ge=0, description="edits queued before RESOURCE_EXHAUSTED")
    stream_window: int = Field(
        default=32, gt=0, description="edits of one stream in work or unread at a time"
    )
    grace_seconds: float = Field(default=10.0, ge=0, description="time for running calls at shutdown")
