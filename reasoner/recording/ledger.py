"""The ledger: an append-only, hash-chained record of calls and edits in one sqlite file.

Each entry's hash covers its sequence number, kind, time and body, and the hash of the entry before, so an
entry cannot be changed, removed from the middle or put in another place without breaking the chain. Entries
cut off at the end leave a shorter chain that is whole. So the head is noted in a file beside the ledger, and
may be noted elsewhere: a ledger without the entry of a noted head was cut, or is another.

Large bytes (files, edits, replies) are kept once each under their SHA-256; bodies name them by it.

The ledger holds the texts of files and is readable by its owner alone, whatever their modes are.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import sqlite3
import stat
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


@dataclass(frozen=True, slots=True)
class Verified:
    """What a whole check of a ledger went over. `noted`: the head that was noted beside it, if one is."""

    entries: int
    blobs: int
    head: str
    noted: str | None


class Ledger:
    """An open ledger. Several processes may append to one file."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at `path` for appending, made new where there is none. Raises LedgerError."""
        self.path = path
        try:
            if not os.path.lexists(path):
                _make(path)
            _check_file(path)
            _make_private(path)
            # Autocommit: transactions below are written out, so that reading the head and appending are one.
            self._open(sqlite3.connect(path, isolation_level=None, timeout=30))
            self._db.execute("PRAGMA synchronous=FULL")
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"cannot open the ledger {path}: {error}") from None

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open a ledger that must be there, to read it; nothing is written. Raises LedgerError."""
        ledger = cls.__new__(cls)
        ledger.path = path
        if not path.is_file():
            raise LedgerError(f"there is no ledger at {path}")
        try:
            _check_file(path)
            address = f"{path.absolute().as_uri()}?mode=ro"
            ledger._open(sqlite3.connect(address, uri=True, isolation_level=None, timeout=30))
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"cannot open the ledger {path}: {error}") from None
        return ledger

    def _open(self, db: sqlite3.Connection) -> None:
        self._db = db
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version != SCHEMA_VERSION:
                raise LedgerError(
                    f"{self.path} is a ledger of version {version}; this program reads {SCHEMA_VERSION}"
                )
        except BaseException:
            db.close()
            raise

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
        try:
            row = self._db.execute("SELECT hash FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {self.path} cannot be read: {error}") from None
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
            with contextlib.suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            raise LedgerError(f"cannot write to the ledger {self.path}: {error}") from None
        try:
            _note(_noted_path(self.path), hash_)
        except OSError as error:
            raise LedgerError(
                f"entry {last + 1} is in the ledger, but its head could not be noted beside it: {error}"
            ) from None
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
        try:
            row = self._db.execute("SELECT content FROM blobs WHERE sha256 = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {self.path} cannot be read: {error}") from None
        if row is None:
            raise LedgerError(f"the ledger lacks the bytes with SHA-256 {name}")
        if not isinstance(row[0], bytes) or sha256(row[0]) != name:
            raise LedgerError(f"the bytes with SHA-256 {name} were changed")
        return row[0]

    def verify(self, head: str | None = None) -> Verified:
        """Check everything that the file holds, and that it holds the entries up to the noted head.

        `head` is what the last entry's must be, as noted elsewhere; the one beside the ledger may be older,
        as a killed process leaves it. Raises LedgerError for a chain that breaks, bytes that were changed,
        that are missing or that no entry names, a head that is not in the chain, tables or guards that are
        not those of a ledger, and a file that sqlite finds damaged.
        """
        noted = _read_note(_noted_path(self.path))
        heads, named, count = {GENESIS}, set[str](), 0
        for entry in self.entries():
            count += 1
            heads.add(entry.hash)
            named |= {entry.body[key] for key in _BLOBS.get(entry.kind, ()) if key in entry.body}
        found = self.head
        for wanted, holds in ((head, head == found), (noted, noted in heads)):
            if wanted is not None and not holds:
                raise LedgerError(
                    f"the ledger's head is {found}, and {wanted} was noted: it is another, or was cut"
                )
        try:
            names = {name for (name,) in self._db.execute("SELECT sha256 FROM blobs")}
            for name in sorted(named | names):
                self.blob(name)
            if unnamed := names - named:
                raise LedgerError(f"no entry names the bytes with SHA-256 {min(unnamed)}: they were put in")
            schema = {sql for (sql,) in self._db.execute("SELECT sql FROM sqlite_schema") if sql}
            if schema != {*_TABLES, *_GUARDS}:
                raise LedgerError("the tables or the guards of the ledger were changed")
            damage = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {self.path} cannot be read: {error}") from None
        if damage != "ok":
            raise LedgerError(f"the file {self.path} is damaged: {damage}")
        return Verified(count, len(names), found, noted)


# The bytes that the entries of each kind name. They are all that a ledger keeps.
_BLOBS = {"call": ("reply_sha256",), "apply": ("original_sha256", "edit_sha256", "content_sha256")}


def _make(path: Path) -> None:
    """A new ledger, which takes its name when it is whole: one that is empty has lost its entries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.new-{secrets.token_hex(8)}")
    try:
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for statement in (*_TABLES, *_GUARDS):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            db.execute("COMMIT")
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(made, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made)
    _sync(path.parent)


def _check_file(path: Path) -> None:
    """Raises LedgerError for what sqlite would take for a new, empty database, and OSError."""
    with path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(16) != b"SQLite format 3\0":
            raise LedgerError(
                f"cannot open the ledger {path}: it is empty, cut or no ledger; it is left as it is"
            )


def _make_private(path: Path) -> None:
    """Take from others the right to read it, where an older version or an unpacked archive gave it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        path.chmod(mode & 0o700)


def _noted_path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}.head")


def _note(path: Path, head: str) -> None:
    """Note a head in a file, at once or not at all. Raises OSError."""
    new = path.with_name(f".{path.name}.new-{secrets.token_hex(8)}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(head.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _read_note(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LedgerError(f"the noted head {path} cannot be read: {error}") from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(sequence: int, kind: str, at: str, text: str, previous: str) -> str:
    return sha256(canonical_json([sequence, kind, at, text, previous]))
