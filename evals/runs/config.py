"""Typed configuration of the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from evals.cases import Category

Backend = Literal["auto", "reference", "cpu", "triton"]


class RunConfig(BaseModel):
    """What every run has. `out` and `workers` do not change the samples, so they are not part of a run's
    identity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    model: Path | None = Field(default=None, description="folder of the apply model; None: the default one")
    backend: Backend = "auto"
    workers: PositiveInt = 1
    threads: PositiveInt | None = None
    seed: int = 0


class AccuracyConfig(RunConfig):
    """Score cases against their expected bytes."""

    cases: str = "written"
    repos: tuple[Path, ...] = ()
    manifest: str = "heldout"
    limit: PositiveInt | None = None
    categories: tuple[Category, ...] = ()
    repeats: PositiveInt = 1
    baseline: bool = True
    run_tests: bool = False


class StabilityConfig(RunConfig):
    """Repeat edits and count what is distinct. `batch` edits are sent together in the mixed mode."""

    cases: str = "written"
    repos: tuple[Path, ...] = ()
    manifest: str = "heldout"
    edits: PositiveInt = 20
    repeats: PositiveInt = 1000
    batch: PositiveInt = 8
    max_tokens: PositiveInt = Field(default=400, description="only edits whose prompt is at most this long")


class ChainConfig(RunConfig):
    """Apply edits that build on one another."""

    repeats: PositiveInt = 5
