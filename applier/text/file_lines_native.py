"""The pass of `file_lines.py` over the bytes of a large file, in C and without the interpreter's lock.

It is compiled at first use, and used only if it finds what `FileLines` finds in a known file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from kernels.native import load_library, trusted

SOURCE = Path(__file__).with_name("file_lines.c")
_ROOM = 1 << 10
_SPACES = " \t\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
_NO_SPACES = "\x08\x0e\x1b\x21\x84\xa1\u1681\u180e\u200b\u2027\u202a\u2030\u2060\u3001\ufeff"


class CompiledSeek:
    """The library. Raises CompileError."""

    def __init__(self, target: str = "native") -> None:
        self._seek = load_library(target, SOURCE).samebytes_seek
        self._seek.restype = ctypes.c_int64

    def rows(self, body: bytes, mark: int, texts: Sequence[str]) -> list[list[int]]:
        """The lines of `body` that are each text, white space around them aside, ascending.

        `body` is UTF-8, and a line of it ends at the byte `mark`. No text is empty or has white space around
        it, and none comes twice.
        """
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = np.fromiter(accumulate(map(len, parts), initial=0), np.int64, len(parts) + 1)
        lists = np.empty(len(parts), np.int64)
        most, found = 0, _ROOM
        while found > most:
            most = found
            hits = np.empty((2, most), np.int64)
            found = self._seek(
                body,
                ctypes.c_int64(len(body)),
                ctypes.c_uint8(mark),
                b"".join(parts),
                ctypes.c_void_p(starts.ctypes.data),
                ctypes.c_int64(len(parts)),
                *(ctypes.c_void_p(array.ctypes.data) for array in (lists, *hits)),
                ctypes.c_int64(most),
            )
        rows: list[list[int]] = [[] for _ in parts]
        for row, which in hits[:, :found].T.tolist():
            rows[which].append(row)
        return rows


def _finds_known_lines(seek: CompiledSeek) -> bool:
    """Tries a file whose lines have every kind of white space around them, and characters that only resemble
    it.
    """
    words = ["a", "ab", "\u20ac", *_NO_SPACES]
    around = ["", *_SPACES, *(f"{one}{one} " for one in _SPACES)]
    lines = [before + word + after for word in words for before in around for after in around[::7]] + around
    want = [[row for row, line in enumerate(lines) if line.strip() == word] for word in words]
    return all(seek.rows("\n".join([*lines, last]).encode(), 10, words) == want for last in ("", " b"))


@lru_cache(maxsize=1)
def trusted_seek() -> CompiledSeek | None:
    """The library if it finds the known lines; None if it does not, or cannot be compiled."""
    return trusted(CompiledSeek, _finds_known_lines, "search for the lines of an edit")
