"""Forty ways to change a ledger, each of which a replay finds."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoner.digest import canonical_json, sha256
from reasoner.errors import LedgerError
from reasoner.recording.ledger import GENESIS, Ledger
from reasoner.replay import replay
from tests.reasoner.conftest import Runs
from tests.reasoner.test_loop import BOTH, block

LAST = "(SELECT max(sequence) FROM entries)"
REPLY = "(SELECT json_extract(body, '$.reply_sha256') FROM entries WHERE kind = 'call' LIMIT 1)"


def _named(field: str) -> str:
    return f"(SELECT json_extract(body, '$.{field}') FROM entries WHERE kind = 'apply' LIMIT 1)"


STATEMENTS = {
    "a body": "UPDATE entries SET body = '{}' WHERE sequence = 2",
    "a space in a body": "UPDATE entries SET body = body || ' ' WHERE sequence = 2",
    "an instruction": "UPDATE entries SET body = json_set(body, '$.instruction', 'x') WHERE sequence = 1",
    "a status": "UPDATE entries SET body = json_set(body, '$.status', 'refused') WHERE kind = 'apply'",
    "a path": "UPDATE entries SET body = json_set(body, '$.path', 'other.py') WHERE kind = 'apply'",
    "a fingerprint": "UPDATE entries SET body = json_set(body, '$.receipt.fingerprint', 'x')",
    "a written file": "UPDATE entries SET body = json_set(body, '$.\"util.py\"', 'x') WHERE kind = 'write'",
    "a time": "UPDATE entries SET at = '2001-01-01T00:00:00.000+00:00' WHERE sequence = 3",
    "a kind": "UPDATE entries SET kind = 'note' WHERE sequence = 2",
    "a hash": "UPDATE entries SET hash = hex(zeroblob(32)) WHERE sequence = 3",
    "the last hash": f"UPDATE entries SET hash = hex(zeroblob(32)) WHERE sequence = {LAST}",
    "a link": "UPDATE entries SET previous = hex(zeroblob(32)) WHERE sequence = 3",
    "the first link": "UPDATE entries SET previous = hex(zeroblob(32)) WHERE sequence = 1",
    "all times": "UPDATE entries SET at = at || 'Z'",
    "the first entry away": "DELETE FROM entries WHERE sequence = 1",
    "a middle entry away": "DELETE FROM entries WHERE sequence = 3",
    "the last entry away": f"DELETE FROM entries WHERE sequence = {LAST}",
    "the tail away": "DELETE FROM entries WHERE sequence > 2",
    "every entry away": "DELETE FROM entries",
    "everything away": "DELETE FROM entries; DELETE FROM blobs",
    "an entry twice": f"INSERT INTO entries SELECT {LAST} + 1, kind, at, body, previous, hash FROM entries "
    "WHERE sequence = 2",
    "an entry put in": f"INSERT INTO entries VALUES ({LAST} + 1, 'run', '', '{{}}', '', '')",
    "an entry before the first": "INSERT INTO entries SELECT 0, kind, at, body, previous, hash "
    "FROM entries LIMIT 1",
    "numbers moved": "UPDATE entries SET sequence = sequence + 100",
    "two entries changed about": "UPDATE entries SET sequence = 99 WHERE sequence = 2;"
    "UPDATE entries SET sequence = 2 WHERE sequence = 3; UPDATE entries SET sequence = 3 WHERE sequence = 99",
    "a reply": f"UPDATE blobs SET content = x'00' WHERE sha256 = {REPLY}",
    "a reply away": f"DELETE FROM blobs WHERE sha256 = {REPLY}",
    "an empty reply": f"UPDATE blobs SET content = x'' WHERE sha256 = {REPLY}",
    "an original": "UPDATE blobs SET content = CAST(content || x'0a' AS BLOB) "
    f"WHERE sha256 = {_named('original_sha256')}",
    "an original away": f"DELETE FROM blobs WHERE sha256 = {_named('original_sha256')}",
    "an edit": f"UPDATE blobs SET content = x'41' WHERE sha256 = {_named('edit_sha256')}",
    "an edit away": f"DELETE FROM blobs WHERE sha256 = {_named('edit_sha256')}",
    "a result": f"UPDATE blobs SET content = x'41' WHERE sha256 = {_named('content_sha256')}",
    "bytes under another name": f"UPDATE blobs SET sha256 = hex(zeroblob(32)) WHERE sha256 = {REPLY}",
    "bytes put in": f"INSERT INTO blobs VALUES ('{sha256(b'planted')}', CAST('planted' AS BLOB))",
    "a guard away": "DROP TRIGGER entries_no_update",
    "a guard of another kind": "DROP TRIGGER blobs_no_delete;"
    "CREATE TRIGGER blobs_no_delete BEFORE DELETE ON blobs BEGIN SELECT 1; END",
    "a table more": "CREATE TABLE more (x)",
    "a table away": "DROP TABLE blobs",
    "another version": "PRAGMA user_version = 2",
    "no version": "PRAGMA user_version = 0",
}


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _flip(path: Path, word: bytes) -> None:
    content = path.read_bytes()
    assert word in content
    path.write_bytes(content.replace(word, bytes([word[0] ^ 1]) + word[1:], 1))


def _rewritten(path: Path) -> None:
    """Every hash made anew after a change of the first entry, as somebody who knows how would do it."""
    db = sqlite3.connect(path)
    _unguard(db)
    db.execute("UPDATE entries SET at = '2001' WHERE sequence = 1")
    previous = GENESIS
    for sequence, kind, at, body in db.execute("SELECT sequence, kind, at, body FROM entries").fetchall():
        link = sha256(canonical_json([sequence, kind, at, body, previous]))
        db.execute("UPDATE entries SET previous = ?, hash = ? WHERE sequence = ?", (previous, link, sequence))
        previous = link
    db.commit()
    db.close()
    path.with_name(path.name + ".head").write_text(previous)


def _another(path: Path) -> None:
    path.unlink()
    with Ledger(path) as ledger:
        ledger.append("run", {})


FILES: dict[str, Callable[[Path], None]] = {
    "no bytes": lambda path: _cut(path, 0),
    "one byte": lambda path: _cut(path, 1),
    "half a header": lambda path: _cut(path, 50),
    "the header alone": lambda path: _cut(path, 100),
    "half of the file": lambda path: _cut(path, path.stat().st_size // 2),
    "the last page away": lambda path: _cut(path, path.stat().st_size - 4096),
    "a bit of a body": lambda path: _flip(path, b"wire_request_sha256"),
    "a bit of the header": lambda path: _flip(path, b"SQLite format 3"),
    "another ledger": _another,
    "the whole chain made anew": _rewritten,
    "a text": lambda path: path.write_text("no ledger\n" * 1000) and None,
    "the file away": Path.unlink,
}
GUARDS_STAY = {"a guard away", "a guard of another kind", "a table more", "another version", "no version"}


def _unguard(db: sqlite3.Connection) -> None:
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")


def _guard(db: sqlite3.Connection, guards: list[str]) -> None:
    _unguard(db)
    for guard in guards:
        db.execute(guard)


@pytest.fixture
def ledger(run: Runs, ledger_path: Path, applier, tmp_path: Path) -> tuple[Path, str]:
    run(BOTH)
    run(block("util.py", "no such line", "x"), BOTH)
    with Ledger.open_existing(ledger_path) as book:
        return ledger_path, book.head


def test_forty_ways_are_tried() -> None:
    assert len(STATEMENTS) + len(FILES) >= 40


def test_an_untouched_ledger_replays_and_is_not_written_to(ledger: tuple[Path, str], applier) -> None:
    path, head = ledger
    before = path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())
    path.chmod(0o400)
    report = asyncio.run(replay(path, applier, head))
    assert report.difference is None
    assert report.edits > 2
    assert report.head_noted
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_every_way_of_tampering_is_found(ledger: tuple[Path, str], applier, tmp_path: Path) -> None:
    path, head = ledger
    missed = []
    for name in (*STATEMENTS, *FILES):
        copy = tmp_path / "copies" / name / path.name
        copy.parent.mkdir(parents=True)
        for suffix in ("", ".head"):
            shutil.copy(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
        if name in FILES:
            FILES[name](copy)
        else:
            db = sqlite3.connect(copy)
            guards = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")]
            if name not in GUARDS_STAY:
                _unguard(db)
            db.executescript(STATEMENTS[name])
            assert db.total_changes or "DROP" in STATEMENTS[name] or name in GUARDS_STAY, name
            if name not in GUARDS_STAY and name != "a table away":
                _guard(db, guards)
            db.commit()
            db.close()
        before = copy.read_bytes() if copy.exists() else None
        try:
            asyncio.run(replay(copy, applier, head))
            missed.append(name)
        except LedgerError:
            pass
        assert (copy.read_bytes() if copy.exists() else None) == before, f"{name}: the ledger was written to"
    assert missed == []


def test_a_cut_end_is_found_with_the_head_noted_beside_the_ledger(ledger: tuple[Path, str], applier) -> None:
    path, _ = ledger
    db = sqlite3.connect(path)
    guards = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")]
    _unguard(db)
    db.execute(f"DELETE FROM entries WHERE sequence = {LAST}")
    _guard(db, guards)
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="was cut"):
        asyncio.run(replay(path, applier))
    path.with_name(path.name + ".head").unlink()
    assert not asyncio.run(replay(path, applier)).head_noted


def test_an_emptied_ledger_is_not_begun_anew(tmp_path: Path) -> None:
    for content in (b"", b"x"):
        path = tmp_path / "ledger.sqlite"
        path.write_bytes(content)
        with pytest.raises(LedgerError, match="it is empty, cut or no ledger"):
            Ledger(path)
        assert path.read_bytes() == content


def test_ledger_and_noted_head_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.append("run", {})
    for made in tmp_path.iterdir():
        assert made.stat().st_mode & 0o777 == 0o600, made
    path.chmod(0o644)
    Ledger(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
