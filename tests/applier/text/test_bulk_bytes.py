"""Chunked comparison and counting agree with the plain ones, around the chunk size too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier.text.bulk_bytes import CHUNK, common_lines, count, equal
from applier.text.source_text import SourceText, TextError

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


FRAGMENT = st.sampled_from([b"a\n", b"b\n", b"a\r\n", b"\r", b"\n", b"\xc3\xa9\n", b"c", b"\xe9\n"])
FRAGMENTS = st.lists(FRAGMENT, max_size=6)
ODD = st.sampled_from([b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf"])


@given(FRAGMENTS, FRAGMENTS, FRAGMENTS, FRAGMENTS)
def test_common_lines_are_whole_and_equal(
    head: list[bytes], a: list[bytes], b: list[bytes], tail: list[bytes]
) -> None:
    one, other = (b"".join([*head, *middle, *tail]) for middle in (a, b))
    prefix, suffix = common_lines(one, other)
    assert one[:prefix] == other[:prefix]
    assert one[len(one) - suffix :] == other[len(other) - suffix :]
    assert prefix + suffix <= min(len(one), len(other))
    if one == other:
        assert (prefix, suffix) == (len(one), 0)
        return
    assert one[:prefix][-1:] in (b"", b"\n")
    if suffix:
        for file in (one, other):
            assert file[: len(file) - suffix][-1:] in (b"", b"\n")


def _read(decode: Callable[[], SourceText]) -> tuple[object, ...]:
    """What a text is read as, or the reason why it is none."""
    try:
        text = decode()
    except TextError as error:
        return (error.message,)
    return text, text.newline, text.lines


@given(FRAGMENTS, FRAGMENTS, FRAGMENTS, FRAGMENTS, ODD)
def test_a_revision_reads_as_if_nothing_were_known(
    head: list[bytes], a: list[bytes], b: list[bytes], tail: list[bytes], odd: bytes
) -> None:
    old, new = b"".join([*head, *a, *tail]), b"".join([odd, *head, *b, odd, *tail])
    source = SourceText.decode(old)
    common = common_lines(old, new)
    assert _read(lambda: source.decode_revision(new, common)) == _read(lambda: SourceText.decode(new))
