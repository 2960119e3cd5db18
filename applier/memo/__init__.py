"""A memo of results. Sound because an edit's result is a function of request digest and fingerprint."""

from .memoised import MemoEvent, Memoised, MemoMismatch
from .memory_store import MemoryStore
from .sqlite_store import SqliteStore
from .store import CorruptEntry, Key, Layered, MemoError, Store

__all__ = [
    "CorruptEntry",
    "Key",
    "Layered",
    "MemoError",
    "MemoEvent",
    "MemoMismatch",
    "Memoised",
    "MemoryStore",
    "SqliteStore",
    "Store",
]
