"""The times of one request."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from .types import Timing


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._begin = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Ends a part of the step that `Timing` calls `name`."""
        now = perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + 1e3 * (now - self._last)
        self._last = now

    def timing(self) -> Timing:
        """The steps so far, and the time since the beginning."""
        return replace(Timing(**self._laps), total_ms=1e3 * (perf_counter() - self._begin))
