"""The chain holds, and shows where it does not."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from reasoner import credentials
from reasoner.digest import sha256
from reasoner.errors import LedgerError
from reasoner.recording.ledger import GENESIS, Ledger


def filled(path: Path, count: int = 5) -> Path:
    with Ledger(path) as ledger:
        for number in range(count):
            blob = b"%d" % number
            ledger.append("call", {"number": number}, {sha256(blob): blob})
    return path


def tampered(path: Path, *statements: str) -> None:
    """Change the file as someone would who takes the guards off first."""
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def read(path: Path) -> list[int]:
    with Ledger(path) as ledger:
        return [entry.body["number"] for entry in ledger.entries()]


def test_entries_come_back_in_order_and_the_head_moves(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.sqlite"
    with Ledger(path) as ledger:
        assert ledger.head == GENESIS
        first = ledger.append("run", {"number": 0})
        assert ledger.head == first.hash
        second = ledger.append("call", {"number": 1})
        assert second.previous == first.hash
        assert [entry.kind for entry in ledger.entries("call")] == ["call"]
    assert read(path) == [0, 1]


def test_the_file_refuses_to_be_changed(tmp_path: Path) -> None:
    db = sqlite3.connect(filled(tmp_path / "l"))
    for statement in (
        "UPDATE entries SET body = '{}'",
        "DELETE FROM entries",
        "UPDATE blobs SET content = x'00'",
        "DELETE FROM blobs",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE entries SET body = '{\"number\":9}' WHERE sequence = 3", "breaks at entry 3"),
        ("UPDATE entries SET at = '2001-01-01' WHERE sequence = 2", "breaks at entry 2"),
        ("UPDATE entries SET kind = 'apply' WHERE sequence = 5", "breaks at entry 5"),
        ("UPDATE entries SET hash = hex(zeroblob(32)) WHERE sequence = 1", "breaks at entry 1"),
        ("DELETE FROM entries WHERE sequence = 4", "entry 4 of the ledger is missing"),
        ("DELETE FROM entries WHERE sequence = 1", "entry 1 of the ledger is missing"),
    ],
)
def test_what_was_changed_is_named(tmp_path: Path, statement: str, message: str) -> None:
    path = filled(tmp_path / "l")
    tampered(path, statement)
    with pytest.raises(LedgerError, match=message):
        read(path)


def test_entries_in_another_order_are_found(tmp_path: Path) -> None:
    path = filled(tmp_path / "l")
    tampered(
        path,
        "UPDATE entries SET sequence = 99 WHERE sequence = 2",
        "UPDATE entries SET sequence = 2 WHERE sequence = 3",
        "UPDATE entries SET sequence = 3 WHERE sequence = 99",
    )
    with pytest.raises(LedgerError, match="breaks at entry 2"):
        read(path)


def test_changed_and_missing_bytes_are_found(tmp_path: Path) -> None:
    path = filled(tmp_path / "l")
    tampered(
        path,
        "UPDATE blobs SET content = x'ff' WHERE content = x'31'",
        "DELETE FROM blobs WHERE content = x'32'",
    )
    with Ledger(path) as ledger:
        assert ledger.blob(sha256(b"0")) == b"0"
        with pytest.raises(LedgerError, match="were changed"):
            ledger.blob(sha256(b"1"))
        with pytest.raises(LedgerError, match="lacks the bytes"):
            ledger.blob(sha256(b"2"))


def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "l"

    def work(number: int) -> None:
        with Ledger(path) as ledger:
            for _ in range(10):
                ledger.append("call", {"number": number})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read(path)) == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10


def test_something_else_than_a_ledger_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, and longer than its header would be" * 10)
    with pytest.raises(LedgerError, match="cannot open"):
        Ledger(tmp_path / "text")
    with pytest.raises(LedgerError, match="no ledger at"):
        Ledger.open_existing(tmp_path / "none")
    db = sqlite3.connect(tmp_path / "later")
    db.execute("PRAGMA user_version=9")
    db.close()
    with pytest.raises(LedgerError, match="version 9"):
        Ledger(tmp_path / "later")


def test_keys_are_taken_out_of_bodies(tmp_path: Path) -> None:
    credentials.remember("sk-canary-1234567890")
    with Ledger(tmp_path / "l") as ledger:
        entry = ledger.append(
            "call", {"message": "no: sk-canary-1234567890", "list": ["sk-canary-1234567890"]}
        )
    assert entry.body == {"message": "no: [redacted]", "list": ["[redacted]"]}
    assert b"sk-canary" not in (tmp_path / "l").read_bytes()
