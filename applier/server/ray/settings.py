"""The arguments of the application in `serve.yaml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from applier.server.config import MIB


class Settings(BaseModel):
    """How many replicas, of what, and what each of them does. Nothing here changes an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path | None = Field(default=None, description="name or folder of a model; None: the default one")
    token_file: Path | None = Field(default=None, description="holds the bearer token that calls must carry")
    fronts: int = Field(default=2, gt=0, description="processes that speak the protocol")
    cpu_replicas: int = Field(default=2, ge=0, description="replicas that compute on CPUs")
    cpus: float = Field(default=1, gt=0, description="cores of each CPU replica")
    gpu_replicas: int = Field(default=0, ge=0, description="replicas that compute on a GPU each; asked first")
    workers: int = Field(default=4, gt=0, description="edits at a time in a replica")
    max_waiting: int = Field(default=256, ge=0, description="edits that wait in a replica")
    stream_window: int = Field(default=32, gt=0, description="edits of a stream in work or unread")
    memo_bytes: int = Field(default=64 * MIB, ge=0, description="memory for a replica's memo; 0: none")
    memo_file: Path | None = Field(default=None, description="sqlite file that replicas of one host share")

    @model_validator(mode="after")
    def _somebody_computes(self) -> Settings:
        if not self.cpu_replicas + self.gpu_replicas:
            raise ValueError("cpu_replicas and gpu_replicas are both 0")
        return self
