"""What a backend does, and the two types that pass between it and its callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernels.arrays import Array
from kernels.cache import Block, KVCache


class BackendError(RuntimeError):
    """A backend cannot run on this machine."""


@dataclass(slots=True)
class Segment:
    """Tokens (integer [n], n ≥ 1) that continue one sequence after the positions its cache holds."""

    cache: KVCache
    tokens: np.ndarray


@dataclass(frozen=True, slots=True)
class Hidden:
    """Rows after the final norm, quantised, in segment order: q int8 [N, hidden], s float32 [N].

    They lie on the backend's device: numpy's arrays on a CPU, torch's on a GPU.
    """

    q: Array
    s: Array

    def __len__(self) -> int:
        return self.q.shape[0]

    def select(self, rows: np.ndarray | slice | Sequence[int]) -> Hidden:
        """Some of the rows."""
        return Hidden(self.q[rows], self.s[rows])


class Backend(Protocol):
    """One implementation of the contract. `Model` checks the arguments before they get here.

    A backend class is made with `(weights: Weights, threads: int | None)`.
    """

    device: str
    block: int  # positions of a block that caches can share

    def new_cache(self, capacity: int, prefix: Sequence[Block] = ()) -> KVCache:
        """A cache that `forward` can write: empty, or beginning with saved blocks."""

    def cache_bytes(self, capacity: int, shared: int = 0) -> int:
        """Memory that `new_cache` takes for `capacity` positions after `shared` blocks of a prefix."""

    def free_cache_bytes(self) -> int | None:
        """Memory left in the pool that all caches come from; None where there is no pool."""

    def warm_up(self) -> None:
        """Prepares a server's passes ahead of time, so that its first requests do not wait for them."""

    def forward(self, segments: Sequence[Segment]) -> Hidden:
        """Runs all segments as one ragged batch, and advances each cache by its tokens."""

    def logits(self, hidden: Hidden, ids: np.ndarray | None) -> Array:
        """float32 [N, V], or [N, len(ids)]: the columns of `ids` (int64)."""

    def argmax(self, hidden: Hidden, ids: np.ndarray | None) -> Array:
        """int64 [N]: the id with the highest logit, among `ids` where given; the lowest id wins a tie."""
