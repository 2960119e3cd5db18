"""The paged int8 cache: one pool of pages on the device, and sequences that hold pages of it."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from kernels.cache import CacheFull, KVCache
from kernels.config import ModelConfig


class PagePool:
    """Pages of `page` positions for all layers.

    k int8 [L, pages, KV, page, D], v int8 [L, pages, KV, D, page] (transposed: 8-bit matrix products want
    both operands contiguous along the summed axis), sk and sv float32 [L, pages, KV, page].
    """

    def __init__(self, config: ModelConfig, positions: int, page: int, device: torch.device) -> None:
        layers, kv, dim = config.num_layers, config.num_kv_heads, config.head_dim
        self.page = page
        count = -(-positions // page)
        self.k = torch.zeros(layers, count, kv, page, dim, dtype=torch.int8, device=device)
        self.v = torch.zeros(layers, count, kv, dim, page, dtype=torch.int8, device=device)
        self.sk = torch.zeros(layers, count, kv, page, device=device)
        self.sv = torch.zeros_like(self.sk)
        self.free = list(range(count))[::-1]

    def take(self, count: int) -> list[int]:
        """`count` pages. Raises CacheFull when the pool has fewer."""
        if count > len(self.free):
            raise CacheFull(
                f"{count * self.page} positions wanted, {len(self.free) * self.page} left in the pool: "
                "drop a cache, or give the backend more cache_positions"
            )
        return [self.free.pop() for _ in range(count)]


class PagedCache(KVCache):
    """A sequence's pages. They return to the pool when the cache is collected."""

    def __init__(self, config: ModelConfig, capacity: int, pool: PagePool) -> None:
        if not 0 < capacity <= config.max_position:
            raise CacheFull(f"capacity {capacity} is not in 1 … {config.max_position}")
        self.capacity = capacity
        self.length = 0
        self.pool = pool
        self.pages = pool.take(-(-capacity // pool.page))
        weakref.finalize(self, pool.free.extend, self.pages)

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """k, sk, v, sv of the positions that count, copied into the order of `KVCache.tensors`."""
        pool = self.pool
        pages = torch.tensor(self.pages, device=pool.k.device)

        def ordered(part: Tensor) -> Tensor:  # [L, n, KV, page, ...] -> [L, length, KV, ...]
            return part[:, pages].transpose(2, 3).flatten(1, 2)[:, : self.length].contiguous()

        v = pool.v[:, pages].transpose(3, 4)
        v = v.transpose(2, 3).flatten(1, 2)[:, : self.length].contiguous()
        return ordered(pool.k), ordered(pool.sk), v, ordered(pool.sv)
