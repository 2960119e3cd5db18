"""Returns the memory that a burst of edits needed to the system when the burst is over."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # of glibc's <malloc.h>
LARGE = 1 << 20  # bytes


def return_large_blocks() -> bool:
    """Makes malloc map each block of at least LARGE bytes separately, so that freeing it returns it at once.

    glibc otherwise raises its threshold to the largest block freed so far, up to 32 MiB. Keys and values,
    about as large, then come from heaps that only shrink at their ends, and a server keeps the
    memory of its largest burst. False where there is no glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(set_option(_M_MMAP_THRESHOLD, LARGE))
