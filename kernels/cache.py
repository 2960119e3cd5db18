"""The int8 key and value cache of one sequence."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from kernels.config import ModelConfig


class CacheFull(ValueError):
    """More positions than the cache or the model has room for."""


class KVCache:
    """k, v int8 [L, capacity, Hkv, D] and sk, sv float32 [L, capacity, Hkv]; the first `length` positions
    count.

    A backend writes positions `length …` of every layer and then calls `advance`.
    """

    def __init__(self, config: ModelConfig, capacity: int, device: str = "cpu") -> None:
        if not 0 < capacity <= config.max_position:
            raise CacheFull(f"capacity {capacity} is not in 1 … {config.max_position}")
        self.capacity = capacity
        self.length = 0
        self._allocate(config, device)

    def _allocate(self, config: ModelConfig, device: str) -> None:
        """Room for `capacity` positions; with `tensors`, the part a backend with its own layout replaces."""
        shape = (config.num_layers, self.capacity, config.num_kv_heads)
        self.k = torch.zeros(*shape, config.head_dim, dtype=torch.int8, device=device)
        self.v = torch.zeros_like(self.k)
        self.sk = torch.zeros(shape, dtype=torch.float32, device=device)
        self.sv = torch.zeros_like(self.sk)

    def advance(self, positions: int) -> None:
        """Counts `positions` more as written. Raises CacheFull."""
        self.reserve(positions)
        self.length += positions

    def reserve(self, positions: int) -> None:
        """Raises CacheFull unless `positions` more fit."""
        if self.length + positions > self.capacity:
            raise CacheFull(f"{self.length} + {positions} positions do not fit in {self.capacity}")

    def truncate(self, length: int) -> None:
        """Forgets the positions from `length` on. Raises ValueError when there are fewer."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot truncate {self.length} positions to {length}")
        self.length = length

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """k, sk, v, sv of the positions that count."""
        return tuple(part[:, : self.length] for part in (self.k, self.sk, self.v, self.sv))  # type: ignore[return-value]

    def sha256(self) -> str:
        """SHA-256 of `tensors()`, in that order, C-contiguous, little-endian: the same for every backend."""
        return tensors_sha256(*self.tensors())


def tensors_sha256(*tensors: Tensor) -> str:
    """SHA-256 over the bytes of tensors, each C-contiguous and little-endian."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
