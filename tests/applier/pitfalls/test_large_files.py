"""Cost follows the edit where it can: 50,000 lines, 10 MiB, and what is too much."""

from __future__ import annotations

import time

from applier.types import RefusalReason, Status
from tests.applier.exact_tier import run

LINES = [f"    value_{i} = compute({i}, 'some text that fills the line')" for i in range(170_000)]
LARGE = ("def f():\n" + "\n".join(LINES) + "\n").encode()


def test_an_edit_of_a_10_mib_file() -> None:
    assert len(LARGE) > 10 << 20
    edit = b"<<<<<<< SEARCH\n" + LINES[90_000].encode() + b"\n=======\n    value = 1\n>>>>>>> REPLACE\n"
    started = time.thread_time()
    outcome = run(LARGE, edit)
    seconds = time.thread_time() - started
    assert outcome.status is Status.APPLIED
    assert outcome.content == LARGE.replace(LINES[90_000].encode(), b"    value = 1")
    assert outcome.diff.count(b"\n") == 11
    assert seconds < 1.0  # of processor time; it takes some tens of milliseconds


def test_far_apart_hunks_of_a_50_000_line_file() -> None:
    lines = LINES[:50_000]
    original = ("\n".join(lines) + "\n").encode()
    edit = "".join(f"@@\n {lines[i - 1]}\n-{lines[i]}\n+    value = {i}\n" for i in (10, 25_000, 49_000))
    outcome = run(original, edit.encode(), path="a.txt")
    assert outcome.status is Status.APPLIED
    assert outcome.content.count(b"    value = ") == 3


def test_a_match_at_thousands_of_places_is_refused_at_once() -> None:
    source = b"x = 1\n" * 100_000
    outcome = run(source, b"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n")
    assert outcome.reason is RefusalReason.AMBIGUOUS_MATCH


def test_a_rewrite_of_repetitive_lines_ends() -> None:
    old, new = b"a\nb\n" * 20_000, b"b\nc\na\n" * 15_000
    started = time.thread_time()
    run(old, new, path="a.txt")
    assert time.thread_time() - started < 20


def test_a_thousand_blocks_cost_one_pass_over_the_file() -> None:
    original = ("\n".join(LINES[:50_000]) + "\n").encode()
    blocks = [(LINES[i * 40], "    value = 1") for i in range(1000)] + [
        (f"missing {i}", "x") for i in range(500)
    ]
    edit = "".join(f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n" for old, new in blocks)
    started = time.thread_time()
    outcome = run(original, edit.encode(), path="a.txt")
    assert outcome.needs_model
    assert time.thread_time() - started < 10


def test_100_mb_is_refused() -> None:
    outcome = run(b"a\n" * 50_000_000, b"<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")
    assert outcome.reason is RefusalReason.TOO_LARGE


def test_one_line_of_ten_million_characters() -> None:
    source = b"x" * 10_000_000 + b"\ny = 1\n"
    assert run(source, b"<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n").status is Status.APPLIED
