"""The reference and its rotary tables on torch tensors, for comparing with what computes in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kernels import reference
from kernels import rope as tables


def _to_numpy(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value


def _to_torch(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_to_torch, value))
    if isinstance(value, np.generic):
        return torch.tensor(value)
    return torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        named = {name: _to_numpy(value) for name, value in named.items()}
        return _to_torch(function(*map(_to_numpy, arguments), **named))

    return call


rope_tables = _wrapped(tables.rope_tables)


def __getattr__(name: str) -> Callable[..., Any]:
    return _wrapped(getattr(reference, name))
