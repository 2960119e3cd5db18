"""The paged int8 cache: one pool of pages on the device, and sequences that hold pages of it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import torch
from torch import Tensor

from kernels.cache import Block, CacheFull, KVCache
from kernels.config import ModelConfig
from kernels.gpu.key_order import key_row


class PagePool:
    """Pages of `page` positions, a multiple of 32, for all layers.

    k int8 [L, pages, KV, page, D], its rows in the order of `key_row`; v int8 [L, pages, KV, D, page]
    (transposed: 8-bit matrix products want both operands contiguous along the summed axis); sk and sv float32
    [L, pages, KV, page].
    """

    def __init__(self, config: ModelConfig, positions: int, page: int, device: torch.device) -> None:
        if page % 32:
            raise ValueError(f"a page of {page} positions is no multiple of 32")
        layers, kv, dim = config.num_layers, config.num_kv_heads, config.head_dim
        self.page = page
        count = -(-positions // page)
        self.k = torch.zeros(layers, count, kv, page, dim, dtype=torch.int8, device=device)
        self.v = torch.zeros(layers, count, kv, dim, page, dtype=torch.int8, device=device)
        self.sk = torch.zeros(layers, count, kv, page, device=device)
        self.sv = torch.zeros_like(self.sk)
        self.page_bytes = sum(part[:, :1].nbytes for part in (self.k, self.v, self.sk, self.sv))
        self.free = list(range(count))[::-1]
        self.holders = [0] * count
        self._lock = threading.RLock()  # a finaliser may run inside `take`

    def take(self, count: int) -> list[int]:
        """`count` pages, held once. Raises CacheFull when the pool has fewer."""
        with self._lock:
            if count > len(self.free):
                raise CacheFull(
                    f"{count * self.page} positions wanted, {len(self.free) * self.page} left in the pool: "
                    "drop a cache, or give the backend more cache_positions"
                )
            pages = [self.free.pop() for _ in range(count)]
            self.hold(pages)
        return pages

    def hold(self, pages: Sequence[int]) -> None:
        """Counts one more holder of each page."""
        with self._lock:
            for page in pages:
                self.holders[page] += 1

    def drop(self, pages: Sequence[int]) -> None:
        """Counts one holder fewer; a page with none is free."""
        with self._lock:
            for page in pages:
                self.holders[page] -= 1
                if not self.holders[page]:
                    self.free.append(page)


class PageBlock:
    """A written page kept for other sequences; released when this object is collected."""

    def __init__(self, pool: PagePool, page: int) -> None:
        self.pool, self.page, self.nbytes = pool, page, pool.page_bytes
        pool.hold([page])
        weakref.finalize(self, pool.drop, [page])

    @property
    def idle(self) -> bool:
        """Whether no sequence uses the page."""
        return self.pool.holders[self.page] == 1


class PagedCache(KVCache):
    """A sequence's pages. They return to the pool on `release`, or when the cache is collected.

    Saved blocks are pages that several sequences hold; nothing is copied, and none of them is written again.
    """

    def __init__(
        self, config: ModelConfig, capacity: int, pool: PagePool, prefix: Sequence[Block] = ()
    ) -> None:
        self.block = pool.page
        self._check(config, capacity, prefix)
        self.capacity, self.pool = capacity, pool
        shared = [block.page for block in prefix if isinstance(block, PageBlock)]
        own = pool.take(-(-capacity // pool.page) - len(shared))
        pool.hold(shared)
        self.pages = shared + own
        self.length = self._shared = len(shared) * pool.page
        self._return = weakref.finalize(self, pool.drop, tuple(self.pages))

    def save_block(self, index: int) -> Block:
        start = self._written_block(index)
        self._shared = max(self._shared, start + self.block)
        return PageBlock(self.pool, self.pages[index])

    def truncate(self, length: int) -> None:
        if length < self._shared:
            raise ValueError(f"the first {self._shared} positions are shared and cannot be written again")
        super().truncate(length)

    def release(self) -> None:
        self._return()
        self.length = self.capacity = 0
        self.pages = []

    def arrays(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """k, sk, v, sv of the positions that count, copied into the order of `KVCache.arrays`."""
        pool = self.pool
        pages = torch.tensor(self.pages, device=pool.k.device)

        def ordered(part: Tensor) -> Tensor:  # [L, n, KV, page, ...] -> [L, length, KV, ...]
            return part.transpose(2, 3).flatten(1, 2)[:, : self.length].contiguous()

        rows = key_row(torch.arange(pool.page, device=pages.device))
        return (
            ordered(pool.k[:, pages][:, :, :, rows]),
            ordered(pool.sk[:, pages]),
            ordered(pool.v[:, pages].transpose(3, 4)),
            ordered(pool.sv[:, pages]),
        )
