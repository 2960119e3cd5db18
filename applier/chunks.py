"""Comparing and counting in large byte strings without copies of them.

A slice of a `bytes` is a copy; for 10 MiB it costs more than the comparison it is made for. Slices of 64 KiB
stay in the processor's cache and in memory that is allocated already.
"""

from __future__ import annotations

import numpy as np

CHUNK = 1 << 16


def count(data: bytes, byte: int, end: int, start: int = 0) -> int:
    """How often `byte` stands in `data[start:end]`; far faster than `bytes.count` for frequent bytes."""
    view = np.frombuffer(data, np.uint8, count=end)
    return sum(
        int(np.count_nonzero(view[at : min(at + CHUNK, end)] == byte)) for at in range(start, end, CHUNK)
    )


def equal(a: bytes, a_start: int, b: bytes, b_start: int, length: int) -> bool:
    """Whether `length` bytes from either start on are there on both sides and the same."""
    if a_start < 0 or b_start < 0 or a_start + length > len(a) or b_start + length > len(b):
        return False
    for at in range(0, length, CHUNK):
        step = min(CHUNK, length - at)
        if a[a_start + at : a_start + at + step] != b[b_start + at : b_start + at + step]:
            return False
    return True
