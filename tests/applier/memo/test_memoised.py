"""Answers from a memo: the same as without, and wrong ones are found."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from dataclasses import replace

import pytest

from applier import EditOptions
from applier.cancellation import Cancelled
from applier.memo import MemoError, MemoEvent, Memoised, MemoMismatch, MemoryStore, SqliteStore
from applier.memo.entry import encode, without_work
from applier.types import Status, TokenCounts
from tests.applier.memo.requests import CountingApplier, key_of, request


class Watched:
    """A memo over `CountingApplier`, with its events and alarms written down."""

    def __init__(self, applier=None, store=None, check_rate=0.0):
        self.applier = applier or CountingApplier()
        self.store = store or MemoryStore(1 << 20)
        self.events: Counter[MemoEvent] = Counter()
        self.alarms: list[MemoMismatch] = []
        self.memo = Memoised(
            self.applier,
            self.store,
            check_rate,
            on_event=lambda event: self.events.update([event]),
            on_mismatch=self.alarms.append,
            seed=1,
        )

    @property
    def computed(self) -> int:
        return self.applier.calls.total()


REFUSED = request(edit=b"<<<<<<< SEARCH\nnowhere\n=======\nx\n>>>>>>> REPLACE\n")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(), Status.APPLIED),
        (request(original="first\nöld\n".encode("utf-16")), Status.APPLIED),
        (request(original=b"\xef\xbb\xbffirst\r\nx\r\n"), Status.APPLIED),
        (REFUSED, Status.REFUSED),
        (request(expected_sha256="0" * 64), Status.REFUSED),
    ],
)
def test_the_second_answer_is_the_first_without_the_work(asked, status):
    watched = Watched()
    first, second = watched.memo.apply(asked), watched.memo.apply(asked)
    assert first.status is status
    assert without_work(second) == without_work(first)
    assert (watched.computed, watched.events) == (1, {MemoEvent.MISS: 1, MemoEvent.HIT: 1})
    assert second.tokens == TokenCounts()
    assert second.timing.total_ms > 0
    assert second.timing.merge_ms == 0


def test_every_field_that_can_change_a_result_is_part_of_the_key():
    watched = Watched()
    base = request()
    others = [
        replace(base, path="b.txt"),
        replace(base, language="python"),
        replace(base, instruction="x"),
        replace(base, original=base.original + b"\n"),
        replace(base, options=EditOptions(allow_model=False)),
    ]
    for asked in [base, *others]:
        watched.memo.apply(asked)
    assert watched.computed == 1 + len(others)


def test_another_fingerprint_is_another_entry():
    store = MemoryStore(1 << 20)
    one, other = Watched(store=store), Watched(store=store)
    one.memo.apply(request())
    other.applier.fingerprint = lambda: "f" * 64
    other.memo.apply(request())
    assert other.computed == 1
    assert store.entries_kept == 1, "its receipt says another fingerprint than the applier does: not kept"


@pytest.mark.parametrize("error", [Cancelled(), KeyError("bug")])
def test_what_raises_is_not_kept(error):
    watched = Watched()

    def fail(request):
        raise error

    works, watched.applier.apply = watched.applier.apply, fail
    with pytest.raises(type(error)):
        watched.memo.apply(request())
    watched.applier.apply = works
    assert watched.memo.apply(request()).status is Status.APPLIED
    assert watched.computed == 1


def test_a_poisoned_entry_is_found_by_the_cross_check_and_the_fresh_answer_is_given(capsys):
    store = MemoryStore(1 << 20)
    poisoner = Watched(CountingApplier(lies=b" and a back door"), store)
    poisoned = poisoner.memo.apply(request())
    assert b"back door" in poisoned.content
    trusting = Watched(store=store)
    assert b"back door" in trusting.memo.apply(request()).content, "its own hashes do not convict it"
    checking = Watched(store=store, check_rate=1.0)
    result = checking.memo.apply(request())
    assert result.content == b"new 0\nold\r\nlast"
    (alarm,) = checking.alarms
    assert alarm.key == key_of(request())
    assert alarm.differs == ("content", "diff", "receipt")
    assert alarm.kept_result_sha256 == poisoned.receipt.result_sha256
    assert alarm.fresh_result_sha256 == result.receipt.result_sha256
    assert checking.events == {MemoEvent.HIT: 1, MemoEvent.CHECKED: 1, MemoEvent.MISMATCH: 1}
    assert store.entries_kept == 0
    logged = capsys.readouterr()
    assert "memo mismatch" in logged.out + logged.err
    assert "back door" not in logged.out + logged.err


def test_a_share_of_hits_is_checked_and_right_ones_raise_no_alarm():
    watched = Watched(check_rate=0.25)
    for _ in range(401):
        watched.memo.apply(request())
    assert watched.events[MemoEvent.HIT] == 400
    assert 70 <= watched.events[MemoEvent.CHECKED] <= 130
    assert watched.computed == 1 + watched.events[MemoEvent.CHECKED]
    assert watched.alarms == []


def test_an_entry_of_another_request_is_corrupt_and_computed_again():
    watched = Watched()
    other = watched.memo.apply(request(1))
    watched.store.put(key_of(request(2)), encode(other))
    assert watched.memo.apply(request(2)).content == b"new 2\nold\r\nlast"
    assert watched.events[MemoEvent.CORRUPT] == 1


@pytest.mark.parametrize("spoil", [lambda e: e[:-3], lambda e: b"", lambda e: e[:9] + b"\xff" + e[10:]])
def test_a_damaged_entry_is_computed_again(spoil):
    watched = Watched()
    watched.memo.apply(request())
    watched.store.put(key_of(request()), spoil(watched.store.get(key_of(request()))))
    assert watched.memo.apply(request()).content == b"new 0\nold\r\nlast"
    assert watched.events[MemoEvent.CORRUPT] == 1
    assert watched.memo.apply(request()).content == b"new 0\nold\r\nlast"
    assert watched.events[MemoEvent.HIT] == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET entry = CAST('evil' AS BLOB)",
        "UPDATE entries SET entry = 'text'",
        "UPDATE entries SET entry = substr(entry, 1, length(entry) - 2)",
        "UPDATE entries SET entry = substr(entry, 1, 200) || 'X' || substr(entry, 202)",
    ],
)
def test_damage_to_a_file_is_found_by_the_entrys_own_hash(tmp_path, damage):
    path = tmp_path / "memo.sqlite"
    watched = Watched(store=SqliteStore(path, 1 << 20))
    right = watched.memo.apply(request()).content
    with sqlite3.connect(path) as plain:
        plain.execute(damage)
    assert watched.memo.apply(request()).content == right
    assert watched.events == {MemoEvent.MISS: 1, MemoEvent.CORRUPT: 1}
    assert watched.memo.apply(request()).content == right
    assert watched.events[MemoEvent.HIT] == 1
    watched.memo.close()


def test_a_store_that_fails_costs_no_answer():
    class Broken(MemoryStore):
        def get(self, *_):
            raise MemoError("disk full")

        put = drop = get

    watched = Watched(store=Broken(1 << 20))
    for _ in range(2):
        assert watched.memo.apply(request()).status is Status.APPLIED
    assert watched.events[MemoEvent.UNAVAILABLE] >= 2


def test_threads_share_one_memo():
    watched = Watched(check_rate=0.1)
    wanted = {n: watched.applier.apply(request(n)).content for n in range(20)}
    wrong: list[int] = []

    def work(start: int) -> None:
        for n in range(start, start + 200):
            if watched.memo.apply(request(n % 20)).content != wanted[n % 20]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, watched.alarms) == ([], [])
    assert sum(watched.events[event] for event in (MemoEvent.HIT, MemoEvent.MISS, MemoEvent.JOINED)) == 1600


def test_a_check_rate_is_a_share():
    with pytest.raises(ValueError, match="share"):
        Watched(check_rate=1.5)
