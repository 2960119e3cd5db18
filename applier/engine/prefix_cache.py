"""The prefix cache: keys and values of earlier prompts, by the content of their tokens.

A prompt begins with the file, so edits of one file share what comes before their first difference. Its tokens
are cut into blocks; a block's key is a hash chained over all tokens up to its end, the weights and the
version of the numerics, so a key stands for exactly one content, and a hit gives the bits that a prefill
would have given. The least recently used blocks go first, and within a prompt the last block first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from kernels.config import NUMERICS_VERSION
from kernels.model import Block


def root_key(weights_sha256: str) -> bytes:
    """The key that all chains of one model begin with."""
    return hashlib.sha256(f"{NUMERICS_VERSION}:{weights_sha256}".encode()).digest()


def block_keys(root: bytes, tokens: Sequence[int], block: int) -> list[bytes]:
    """The key of each whole block of `tokens`."""
    data = np.asarray(tokens, dtype="<i4")
    keys, last = [], root
    for start in range(0, len(data) - block + 1, block):
        last = hashlib.sha256(last + data[start : start + block].tobytes()).digest()
        keys.append(last)
    return keys


class PrefixCache:
    """At most `max_bytes` of blocks, for the one thread that runs the steps; counts are in positions."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._blocks: OrderedDict[bytes, Block] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, key: bytes) -> bool:
        return key in self._blocks

    def find(self, keys: Sequence[bytes]) -> list[Block]:
        """The blocks of the longest known beginning of `keys`."""
        found = []
        for key in keys:
            block = self._blocks.get(key)
            if block is None:
                break
            found.append(block)
        return found

    def touch(self, keys: Sequence[bytes]) -> None:
        """Marks the blocks as used now, so that the first of them goes last."""
        for key in reversed(keys):
            if key in self._blocks:
                self._blocks.move_to_end(key)

    def add(self, key: bytes, save: Callable[[], Block]) -> bool:
        """Keeps the block that `save` gives; False where it finds no room."""
        if key in self._blocks:
            return True
        block = save()
        while self.nbytes + block.nbytes > self.max_bytes:
            if not self.evict():
                return False
        self._blocks[key] = block
        self.nbytes += block.nbytes
        return True

    def evict(self) -> bool:
        """Drops the least recently used block whose memory that frees; False if there is none."""
        for key, block in self._blocks.items():
            if block.idle:
                del self._blocks[key]
                self.nbytes -= block.nbytes
                return True
        return False

    def clear(self) -> None:
        """Drops all blocks."""
        self._blocks.clear()
        self.nbytes = 0
