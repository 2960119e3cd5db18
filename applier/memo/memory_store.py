"""A memo in memory: least recently used entries go first, bounded by bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .store import Key

# What CPython takes for an entry besides its bytes: key, two digests of 64 characters, dictionary slot.
OVERHEAD = 512


class MemoryStore:
    """Keeps at most `max_bytes` of entries, each counted with `OVERHEAD`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def entries_kept(self) -> int:
        """Number of entries."""
        return len(self._entries)

    @property
    def bytes_kept(self) -> int:
        """Bytes of all entries, overhead included."""
        return self._bytes

    def get(self, key: Key) -> bytes | None:
        """The entry, which becomes the most recently used."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: Key, entry: bytes) -> None:
        """Keep an entry; one that is larger than the whole store is not kept."""
        with self._lock:
            self._remove(key)
            if len(entry) + OVERHEAD > self._max_bytes:
                return
            self._entries[key] = entry
            self._bytes += len(entry) + OVERHEAD
            while self._bytes > self._max_bytes:
                self._remove(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Forget an entry."""
        with self._lock:
            self._remove(key)

    def close(self) -> None:
        """Nothing is open."""

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry) + OVERHEAD
