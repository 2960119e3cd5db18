"""The memo of a server: its stores from the settings."""

from __future__ import annotations

from applier.memo import Layered, MemoryStore, SqliteStore, Store
from applier.server.config import ServerConfig


def open_store(config: ServerConfig) -> Store | None:
    """Memory, a file, both (memory first), or None where the memo is off. Raises MemoError."""
    memory = MemoryStore(config.memo_bytes) if config.memo_bytes else None
    if config.memo_file is None:
        return memory
    file = SqliteStore(config.memo_file, config.memo_file_bytes)
    return Layered(memory, file) if memory else file
