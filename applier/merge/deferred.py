"""Objects that arrive unread: the first use of one reads it.

Most merges follow their proposal to the end, and need nothing of what another way would take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self


class Deferred:
    """Base of such classes. An unread object is for one thread at a time."""

    @classmethod
    def unread(cls, read: Callable[[], Self]) -> Self:
        """An object that becomes what `read` gives when something is asked of it."""
        value = cls.__new__(cls)
        value.__dict__["_read"] = read
        return value

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Called for attributes that are not there."""
            read = self.__dict__.pop("_read", None)
            if read is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.__dict__.update(read().__dict__)
            return getattr(self, name)
