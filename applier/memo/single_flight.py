"""Equal requests at the same time: the first is computed, the others wait for its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ..cancellation import Cancelled, check_cancelled
from ..types import EditResult
from .store import Key

_LOOK_SECONDS = 0.1  # between two looks at whether a waiting call was cancelled


@dataclass(eq=False, slots=True)
class _Flight:
    landed: threading.Event = field(default_factory=threading.Event)
    result: EditResult | None = None
    cancelled: bool = False


class Flights:
    """Computations in progress, by key. Safe to use from several threads."""

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight] = {}
        self._lock = threading.Lock()

    def share(self, key: Key, compute: Callable[[], EditResult]) -> tuple[EditResult, bool]:
        """(what `compute` gives, here or in a call in progress for the same key; whether it was that call).

        If the first call is cancelled, one of those that wait computes in its place; if it fails, each of
        them computes for itself, so that nobody gets another call's error. Raises Cancelled, and what
        `compute` raises.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    own = self._flights[key] = _Flight()
            if flight is None:
                return self._fly(key, own, compute), False
            while not flight.landed.wait(_LOOK_SECONDS):
                check_cancelled()
            if flight.result is not None:
                return flight.result, True
            if not flight.cancelled:
                return compute(), False

    def _fly(self, key: Key, flight: _Flight, compute: Callable[[], EditResult]) -> EditResult:
        try:
            flight.result = compute()
            return flight.result
        except Cancelled:
            flight.cancelled = True
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.landed.set()

    def __len__(self) -> int:
        return len(self._flights)
