"""The ledger: an append-only, hash-chained record of calls and edits in one sqlite file.

Each entry's hash covers its sequence number, kind, time and body, and the hash of the entry before, so an
entry cannot be changed, removed from the middle or put in another place without breaking the chain. Entries
cut off at the end leave a shorter chain that is whole: compare the head with one noted elsewhere to see that.

Large bytes (files, edits, replies) are kept once each under their SHA-256; bodies name them by it.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from reasoner.credentials import redact_json
from reasoner.digest import canonical_json, sha256
from reasoner.errors import LedgerError

SCHEMA_VERSION = 1
GENESIS = sha256("samebytes ledger 1")

_TABLES = (
    """CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        body TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT",
)
_GUARDS = tuple(
    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for table in ("entries", "blobs")
    for verb in ("update", "delete")
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain. `at` is RFC 3339, UTC."""

    sequence: int
    kind: str
    at: str
    body: Mapping[str, Any]
    previous: str
    hash: str


class Ledger:
    """An open ledger. Several processes may append to one file."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at `path`, made new where there is none. Raises LedgerError."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit: transactions below are written out, so that reading the head and appending are one.
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA synchronous=FULL")
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"cannot open the ledger {path}: {error}") from None

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open a ledger that must be there already. Raises LedgerError."""
        if not path.is_file():
            raise LedgerError(f"there is no ledger at {path}")
        return cls(path)

    def _prepare(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in (*_TABLES, *_GUARDS):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._db.execute("COMMIT")
        if version not in (0, SCHEMA_VERSION):
            raise LedgerError(
                f"{self.path} is a ledger of version {version}; this program reads {SCHEMA_VERSION}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def head(self) -> str:
        """The hash of the last entry; it stands for the whole ledger."""
        row = self._db.execute("SELECT hash FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        return row[0] if row else GENESIS

    def append(self, kind: str, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> Entry:
        """Add an entry and its blobs (SHA-256 to bytes), both or neither, on disk when this returns.

        Known keys are taken out of the body. Raises LedgerError.
        """
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        text = canonical_json(redact_json(json.loads(canonical_json(body))))
        try:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute(
                "SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
            last, previous = row or (0, GENESIS)
            hash_ = _link(last + 1, kind, at, text, previous)
            for name, content in (blobs or {}).items():
                self._db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (name, content))
            self._db.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", (last + 1, kind, at, text, previous, hash_)
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise LedgerError(f"cannot write to the ledger {self.path}: {error}") from None
        return Entry(last + 1, kind, at, json.loads(text), previous, hash_)

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """The entries in order, of one kind or all, each checked against the chain.

        Raises LedgerError at the first link that does not hold.
        """
        expected, previous = 1, GENESIS
        try:
            for row in self._db.execute("SELECT * FROM entries ORDER BY sequence"):
                sequence, row_kind, at, text, row_previous, hash_ = row
                if sequence != expected:
                    raise LedgerError(f"entry {expected} of the ledger is missing")
                if row_previous != previous or hash_ != _link(sequence, row_kind, at, text, previous):
                    raise LedgerError(
                        f"the chain breaks at entry {sequence} ({row_kind}, {at}): it was changed"
                    )
                if kind in (None, row_kind):
                    yield Entry(sequence, row_kind, at, json.loads(text), previous, hash_)
                expected, previous = sequence + 1, hash_
        except (sqlite3.Error, ValueError) as error:
            raise LedgerError(f"the ledger {self.path} cannot be read: {error}") from None

    def blob(self, name: str) -> bytes:
        """The bytes with this SHA-256, checked. Raises LedgerError."""
        row = self._db.execute("SELECT content FROM blobs WHERE sha256 = ?", (name,)).fetchone()
        if row is None:
            raise LedgerError(f"the ledger lacks the bytes with SHA-256 {name}")
        if sha256(row[0]) != name:
            raise LedgerError(f"the bytes with SHA-256 {name} were changed")
        return row[0]


def _link(sequence: int, kind: str, at: str, text: str, previous: str) -> str:
    return sha256(canonical_json([sequence, kind, at, text, previous]))
