"""Limits of a scheduler, its errors and its report. No limit changes a result. No model is imported here."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..syntax.source_syntax import MOST_MEMORY

MIB = 1024 * 1024
CPU_BATCH_TOKENS, GPU_BATCH_TOKENS = 1024, 8192
CPU_CACHE_BYTES = 4096 * MIB


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """`cache_bytes` bounds the caches of running merges and the prefix cache together; a GPU has its pool."""

    batch_tokens: int | None = None  # tokens of one pass; None: what suits the device
    max_running: int = 256  # merges in one pass
    max_waiting: int | None = None  # merges that may wait for room; None: no bound
    cache_bytes: int | None = None  # None: `machine_cache_bytes`
    prefix_bytes: int | None = None  # None: a quarter of `cache_bytes`; 0: no prefix cache


def batch_tokens(asked: int | None, device: str) -> int:
    """Tokens of one pass: a few saturate a CPU, and a merge that arrives waits until the pass ends."""
    if asked is not None:
        return asked
    return CPU_BATCH_TOKENS if device == "cpu" else GPU_BATCH_TOKENS


def machine_cache_bytes() -> int:
    """The default budget of caches in main memory: a quarter of it, at most 4 GiB, less what the syntax trees
    that are kept take.
    """
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        physical = 4 * CPU_CACHE_BYTES
    return min(CPU_CACHE_BYTES, physical // 4) - MOST_MEMORY


class SchedulerFull(RuntimeError):
    """Too many merges wait; `retry_seconds` is about when there will be room."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"too many merges wait for the model; retry in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class CacheBudgetError(ValueError):
    """The memory allowed for caches is too small for the model."""


class SchedulerClosed(RuntimeError):
    """The scheduler takes no more merges."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, and how things stand after it. Counts are of this step alone."""

    running: int
    waiting: int
    batch_tokens: int
    batch_merges: int
    prompt_tokens: int  # of the merges admitted
    prefix_hit_tokens: int  # of those, positions taken from the prefix cache
    preempted: int
    cancelled: int
    cache_bytes: int
    prefix_bytes: int
