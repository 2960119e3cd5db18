"""The int8 key and value cache of one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from kernels.arrays import Array, arrays_sha256
from kernels.config import ModelConfig


class CacheFull(ValueError):
    """More positions than the cache or the model has room for."""


class Block(Protocol):
    """Keys and values of `KVCache.block` positions in all layers, kept to begin other sequences with."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""

    @property
    def idle(self) -> bool:
        """Whether dropping it frees its memory, because no sequence is using it."""


class CopiedBlock:
    """A block that owns its memory."""

    idle = True

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = tuple(part.copy() for part in parts)
        self.nbytes = sum(part.nbytes for part in self.parts)


class KVCache:
    """k, v int8 [L, capacity, Hkv, D] and sk, sv float32 [L, capacity, Hkv]; the first `length` positions
    count.

    A backend writes positions `length …` of every layer and then calls `advance`. A cache can begin with
    the blocks that another one saved: equal tokens from the first on have equal keys and values.
    """

    block = 64  # positions
    k: np.ndarray
    v: np.ndarray
    sk: np.ndarray
    sv: np.ndarray

    def __init__(self, config: ModelConfig, capacity: int, prefix: Sequence[Block] = ()) -> None:
        self._check(config, capacity, prefix)
        self.capacity = capacity
        self.length = 0
        self._allocate(config)
        for block in prefix:
            assert isinstance(block, CopiedBlock)
            for part, saved in zip(
                self._parts(self.length, self.length + self.block), block.parts, strict=True
            ):
                part[...] = saved
            self.length += self.block

    def _check(self, config: ModelConfig, capacity: int, prefix: Sequence[Block]) -> None:
        if not 0 < capacity <= config.max_position:
            raise CacheFull(f"capacity {capacity} is not in 1 … {config.max_position}")
        if len(prefix) * self.block > capacity:
            raise CacheFull(f"{len(prefix)} blocks of {self.block} positions do not fit in {capacity}")

    @classmethod
    def bytes_for(cls, config: ModelConfig, capacity: int) -> int:
        """Memory that a cache of this capacity takes."""
        return config.num_layers * capacity * config.num_kv_heads * 2 * (config.head_dim + 4)

    def _allocate(self, config: ModelConfig) -> None:
        """Room for `capacity` positions; with `arrays`, the part a backend with its own layout replaces."""
        shape = (config.num_layers, self.capacity, config.num_kv_heads)
        self.k, self.v = (np.zeros((*shape, config.head_dim), np.int8) for _ in range(2))
        self.sk, self.sv = (np.zeros(shape, np.float32) for _ in range(2))

    def _parts(self, start: int, stop: int) -> list[np.ndarray]:
        """Views of whole blocks of positions, for `save_block` and for beginning with saved blocks."""
        return [part[:, start:stop] for part in (self.k, self.sk, self.v, self.sv)]

    def save_block(self, index: int) -> Block:
        """Positions `index * block` to `(index + 1) * block`, which must be written, for other caches."""
        start = self._written_block(index)
        return CopiedBlock(self._parts(start, start + self.block))

    def _written_block(self, index: int) -> int:
        start = index * self.block
        if not 0 <= start <= self.length - self.block:
            raise ValueError(f"block {index} is not within the {self.length} positions written")
        return start

    def release(self) -> None:
        """Gives the memory back at once; the cache cannot be used any more."""
        self.length = self.capacity = 0
        self.k = self.v = np.empty(0, np.int8)
        self.sk = self.sv = np.empty(0, np.float32)

    def advance(self, positions: int) -> None:
        """Marks `positions` more as written. Raises CacheFull."""
        self.reserve(positions)
        self.length += positions

    def reserve(self, positions: int) -> None:
        """Raises CacheFull unless `positions` more fit."""
        if self.length + positions > self.capacity:
            raise CacheFull(f"{self.length} + {positions} positions do not fit in {self.capacity}")

    def truncate(self, length: int) -> None:
        """Drops the positions from `length` on. Raises ValueError when the cache holds fewer."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot truncate {self.length} positions to {length}")
        self.length = length

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """k, sk, v, sv of the positions that count."""
        return tuple(part[:, : self.length] for part in (self.k, self.sk, self.v, self.sv))  # type: ignore[return-value]

    def sha256(self) -> str:
        """SHA-256 of `arrays()`, in that order, C-contiguous, little-endian: the same for every backend."""
        return arrays_sha256(*self.arrays())
