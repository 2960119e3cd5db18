"""Every setting of the training pipeline, typed, in one place. A TOML file may override any of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints


@dataclass(frozen=True, slots=True)
class MineConfig:
    """`limit` edits of a repository at most, drawn from its newest `max_commits` commits."""

    limit: int = 2500
    max_commits: int = 15_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class TokenizeConfig:
    """`variants` cases of each pair; samples above `usual_tokens` are thinned out, above `max_tokens` cut."""

    seed: int = 1
    variants: int = 1
    usual_tokens: int = 2048
    max_tokens: int = 3072
    workers: int = 2


@dataclass(frozen=True, slots=True)
class FitConfig:
    """One run. Steps are optimiser steps; `pack_tokens` is per worker and forward pass.

    The learning rate warms up, stays, and falls linearly to zero over the last `cooldown` share of the steps.
    """

    rank: int = 128
    alpha: float = 128.0
    learning_rate: float = 5e-4
    norm_learning_rate: float = 2e-5
    warmup_steps: int = 60
    cooldown: float = 0.4
    steps: int = 3000
    pack_tokens: int = 32_768
    pack_slots: int = 80
    head_chunk: int = 4096
    decision_weight: float = 3.0
    gradient_clip: float = 1.0
    beta2: float = 0.98
    seed: int = 1
    compile: bool = True
    log_every: int = 20
    evaluate_every: int = 500
    checkpoint_every: int = 500


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The whole pipeline."""

    mine: MineConfig = field(default_factory=MineConfig)
    tokenize: TokenizeConfig = field(default_factory=TokenizeConfig)
    fit: FitConfig = field(default_factory=FitConfig)


def load_config(path: Path | None, overrides: dict[str, Any] | None = None) -> TrainConfig:
    """Defaults, then the file's tables `[mine]`, `[tokenize]`, `[fit]`, then `overrides` of the same shape.

    Raises pydantic.ValidationError for a wrong type or an unknown name.
    """
    tables: dict[str, Any] = tomllib.loads(path.read_text("utf-8")) if path is not None else {}
    for table, values in (overrides or {}).items():
        tables[table] = {**tables.get(table, {}), **values}
    known = {"mine": MineConfig, "tokenize": TokenizeConfig, "fit": FitConfig}
    unknown = set(tables) - set(known)
    if unknown:
        raise ValueError(f"unknown tables in the training config: {', '.join(sorted(unknown))}")
    parts = {name: _checked(kind, tables.get(name, {})) for name, kind in known.items()}
    return TrainConfig(**parts)


def _checked(kind: type, values: dict[str, Any]) -> Any:
    """`kind(**values)` after pydantic has checked every value."""
    from pydantic import ConfigDict, create_model

    hints = get_type_hints(kind)
    entries: dict[str, Any] = {entry.name: (hints[entry.name], entry.default) for entry in fields(kind)}
    model = create_model(kind.__name__, __config__=ConfigDict(extra="forbid"), **entries)
    return kind(**model(**values).model_dump())
