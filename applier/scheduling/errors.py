"""Why a scheduler does not take a merge."""

from __future__ import annotations


class SchedulerFull(RuntimeError):
    """Too many merges wait; `retry_seconds` is about when there will be room."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"too many merges wait for the model; retry in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class CacheBudgetError(ValueError):
    """The memory allowed for caches is too small for the model."""


class SchedulerClosed(RuntimeError):
    """The scheduler takes no more merges."""
