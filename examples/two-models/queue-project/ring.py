"""A queue of fixed size."""

from __future__ import annotations


class Ring:
    """The newest `size` values; older ones are overwritten."""

    def __init__(self, size: int) -> None:
        self._values: list[int] = [0] * size
        self._start = 0
        self._count = 0

    def push(self, value: int) -> None:
        """Adds a value at the end."""
        at = (self._start + self._count) % len(self._values)
        self._values[at] = value
        if self._count < len(self._values):
            self._count += 1
        else:
            self._start = (self._start + 1) % len(self._values)

    def pop(self) -> int:
        """Takes the oldest value."""
        value = self._values[self._start]
        self._start = (self._start + 1) % len(self._values)
        self._count -= 1
        return value
