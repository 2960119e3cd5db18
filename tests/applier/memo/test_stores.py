"""What a memo is kept in: bounds, damage, several processes."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import applier
from applier.memo import Key, Layered, MemoError, MemoryStore, SqliteStore
from applier.memo.memory_store import OVERHEAD


def key(number: int) -> Key:
    return Key(f"{number:064x}", "f" * 64)


@pytest.fixture(params=["memory", "sqlite", "layered"])
def store(request, tmp_path):
    if request.param == "memory":
        made = MemoryStore(1 << 20)
    else:
        made = SqliteStore(tmp_path / "memo.sqlite", 1 << 20)
        if request.param == "layered":
            made = Layered(MemoryStore(1 << 20), made)
    yield made
    made.close()


def test_what_was_put_is_got_until_it_is_dropped(store):
    assert store.get(key(1)) is None
    store.put(key(1), b"one")
    store.put(key(2), b"")
    store.put(key(1), b"other")
    assert (store.get(key(1)), store.get(key(2))) == (b"other", b"")
    store.drop(key(1))
    store.drop(key(1))
    assert store.get(key(1)) is None


def test_memory_forgets_what_was_used_least_recently():
    store = MemoryStore(3 * (100 + OVERHEAD))
    for number in range(3):
        store.put(key(number), bytes(100))
    store.get(key(0))
    store.put(key(3), bytes(100))
    assert [store.get(key(n)) is not None for n in range(4)] == [True, False, True, True]
    store.put(key(4), bytes(4000))
    assert store.get(key(4)) is None, "larger than the whole store"
    assert store.bytes_kept <= 3 * (100 + OVERHEAD)
    store.put(key(0), bytes(150))  # replaced: counted once
    kept = [entry for entry in map(store.get, map(key, range(5))) if entry is not None]
    assert store.bytes_kept == sum(len(entry) + OVERHEAD for entry in kept)


def test_a_file_forgets_the_oldest_and_stays_within_its_bound(tmp_path):
    store = SqliteStore(tmp_path / "memo.sqlite", 1000)
    for number in range(50):
        store.put(key(number), bytes(100))
    store.put(key(49), bytes(99))
    assert [n for n in range(50) if store.get(key(n)) is not None] == list(range(40, 50))
    store.put(key(99), bytes(1001))
    assert store.get(key(99)) is None
    store.close()
    with sqlite3.connect(tmp_path / "memo.sqlite") as plain:
        (total,), (kept,) = (
            plain.execute(query).fetchone()
            for query in ("SELECT bytes FROM total", "SELECT sum(length(entry)) FROM entries")
        )
    assert total == kept == 999


def test_a_file_outlives_its_process_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "memo.sqlite"
    first = SqliteStore(path, 1 << 20)
    first.put(key(1), b"one")
    first.close()
    again = SqliteStore(path, 1 << 20)
    assert again.get(key(1)) == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.close()
    with pytest.raises(MemoError):
        again.get(key(1))


def test_a_file_that_is_no_memo_is_a_typed_error_and_is_left_alone(tmp_path):
    path = tmp_path / "memo.sqlite"
    path.write_bytes(b"my diary, " * 500)
    with pytest.raises(MemoError, match="is no memo"):
        SqliteStore(path, 1 << 20)
    assert path.read_bytes() == b"my diary, " * 500
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as plain:
        plain.execute("CREATE TABLE contacts (name)")
    with pytest.raises(MemoError, match="another program"):
        SqliteStore(other, 1 << 20)
    with pytest.raises(MemoError, match="cannot be opened"):
        SqliteStore(tmp_path, 1 << 20)


def test_a_locked_file_is_done_without_and_costs_next_to_nothing(tmp_path):
    path = tmp_path / "memo.sqlite"
    store = SqliteStore(path, 1 << 20)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        for number in range(100):
            with pytest.raises(MemoError):
                store.put(key(number), b"x")
        assert time.monotonic() - begin < 4  # one wait of a tenth of a second, and not a hundred
        other.execute("ROLLBACK")
    store._rests_until = 0.0
    store.put(key(1), b"one")
    assert store.get(key(1)) == b"one"
    store.close()


WORKER = """
import sys
from pathlib import Path
from applier.memo import Key, SqliteStore
store = SqliteStore(Path(sys.argv[1]), 40_000)
for number in range(300):
    key = Key(f"{number % 100:064x}", "f" * 64)
    found = store.get(key)
    assert found in (None, b"%d" % (number % 100) * 100), found
    store.put(key, b"%d" % (number % 100) * 100)
    if number % 7 == 0:
        store.drop(key)
store.close()
print("done")
"""


def test_processes_share_a_file(tmp_path):
    path = tmp_path / "memo.sqlite"
    root = Path(applier.__file__).parents[1]
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.communicate(timeout=60) == ("done\n", "")
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (total,) = plain.execute("SELECT bytes FROM total").fetchone()
        (kept,) = plain.execute("SELECT sum(length(entry)) FROM entries").fetchone()
    assert 0 < total == kept <= 40_000
