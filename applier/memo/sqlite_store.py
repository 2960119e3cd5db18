"""A memo on disk, shared by several processes: one sqlite file in WAL mode.

Entries carry hashes of their own (`entry`), so that a flipped bit, a torn page or an entry under the wrong
key is found when it is used. That guards against accidents. Whoever may write the file can write consistent
lies: it is made readable and writable by its owner alone, and the memo computes a share of hits again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .store import Key, MemoError

# A store that is locked for longer than other servers' writes take is done without, for a while: an edit must
# not wait for it, and many must not wait one after the other.
_BUSY_SECONDS = 0.1
_REST_SECONDS = 5.0

# The total is kept by triggers, so that it is right whichever process writes. `number` grows with every
# entry: the oldest have the smallest.
_SCHEMA = (
    "CREATE TABLE entries (number INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, entry BLOB NOT NULL, UNIQUE (request, fingerprint))",
    "CREATE TABLE total (bytes INTEGER NOT NULL)",
    "INSERT INTO total VALUES (0)",
    "CREATE TRIGGER added AFTER INSERT ON entries"
    " BEGIN UPDATE total SET bytes = bytes + length(NEW.entry); END",
    "CREATE TRIGGER removed AFTER DELETE ON entries"
    " BEGIN UPDATE total SET bytes = bytes - length(OLD.entry); END",
)
_VERSION = 1
_WHERE = "request = ? AND fingerprint = ?"


class SqliteStore:
    """Keeps at most `max_bytes` of entries in `path`; the oldest go first.

    Raises MemoError where the file cannot be opened or is something else, and from every method where sqlite
    fails (disk full, file damaged, locked), at once for 5 s after that.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._lock = threading.Lock()
        self._rests_until = 0.0
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise MemoError(f"{path} cannot be opened as a memo: {error}") from error
        try:
            self._prepare()
        except (MemoError, sqlite3.Error) as error:
            self._connection.close()
            raise MemoError(f"{path} is no memo: {error}") from error

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._transaction() as execute:
            (version,) = execute("PRAGMA user_version").fetchone()
            (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
            if version == 0 and tables == 0:
                for statement in _SCHEMA:
                    execute(statement)
                execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise MemoError("it is another program's database, or another version's")

    def get(self, key: Key) -> bytes | None:
        """The entry."""
        self._check_rest()
        query = f"SELECT CAST(entry AS BLOB) FROM entries WHERE {_WHERE}"
        with self._lock:
            try:
                row = self._connection.execute(query, key).fetchone()
            except sqlite3.Error as error:
                raise self._failed(error) from error
        return row[0] if row else None

    def put(self, key: Key, entry: bytes) -> None:
        """Keep an entry; one that is larger than the whole store is not kept."""
        if len(entry) > self._max_bytes:
            return
        with self._transaction() as execute:
            execute(f"DELETE FROM entries WHERE {_WHERE}", key)
            execute("INSERT INTO entries (request, fingerprint, entry) VALUES (?, ?, ?)", (*key, entry))
            (total,) = execute("SELECT bytes FROM total").fetchone()
            if total > self._max_bytes:
                execute("DELETE FROM entries WHERE number <= ?", (self._oldest(total - self._max_bytes),))

    def _oldest(self, excess: int) -> int:
        """The number up to which entries must go so that `excess` bytes go with them."""
        for number, size in self._connection.execute(
            "SELECT number, length(entry) FROM entries ORDER BY number"
        ):
            excess -= size
            if excess <= 0:
                return int(number)
        raise MemoError(f"{self._path}: the total is more than all entries together")

    def drop(self, key: Key) -> None:
        """Forget an entry."""
        with self._transaction() as execute:
            execute(f"DELETE FROM entries WHERE {_WHERE}", key)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """`execute` within a transaction that takes the write lock first, so that what it reads stays so."""
        self._check_rest()
        with self._lock:
            execute = self._connection.execute
            try:
                execute("BEGIN IMMEDIATE")
                try:
                    yield execute
                    execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        if self._connection.in_transaction:
                            execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def _check_rest(self) -> None:
        """Raises MemoError while the store is done without."""
        if time.monotonic() < self._rests_until:
            raise MemoError(f"{self._path}: failed a moment ago and is not asked yet")

    def _failed(self, error: sqlite3.Error) -> MemoError:
        self._rests_until = time.monotonic() + _REST_SECONDS
        return MemoError(f"{self._path}: {error}")
