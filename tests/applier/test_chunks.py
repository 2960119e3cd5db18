"""Chunked comparison and counting agree with the plain ones, around the chunk size too."""

from __future__ import annotations

import pytest

from applier.chunks import CHUNK, count, equal

DATA = bytes(range(256)) * (CHUNK // 128)


@pytest.mark.parametrize("end", [0, 1, 255, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_count(end: int) -> None:
    assert count(DATA, 10, end) == DATA[:end].count(10)


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_equal(length: int) -> None:
    assert equal(DATA, 0, DATA, 0, length)
    if length:
        changed = bytearray(DATA)
        changed[length - 1] ^= 1
        assert not equal(DATA, 0, bytes(changed), 0, length)
        assert equal(DATA, 0, bytes(changed), 0, length - 1)


def test_ranges_that_leave_the_data_are_not_equal() -> None:
    assert not equal(DATA, 0, DATA, 0, len(DATA) + 1)
    assert not equal(DATA, -1, DATA, 0, 1)
    assert not equal(DATA, 0, b"", 0, 1)
