"""Time of exact edits through the whole pipeline: `python -m tests.applier.bench_exact`.

Prints wall-clock and processor time of the calling thread, smallest and median of the repeats. Hashing runs
on a second thread, so the wall-clock figure needs two free cores.
"""

from __future__ import annotations

import time
from statistics import median

from applier.pipeline import Applier
from applier.types import EditRequest, Status

LARGE = b"".join(b"    x%d = some_function(arg, other)  # c\n" % i for i in range(240_000))[: 10 << 20]
FUNCTIONS = b"".join(b"def f%d():\n    return %d\n\n\n" % (i, i) for i in range(12_500))


def block(old: bytes, new: bytes) -> bytes:
    return b"<<<<<<< SEARCH\n" + old + b"\n=======\n" + new + b"\n>>>>>>> REPLACE\n"


LINE = b"    x%d = some_function(arg, other)  # c"
HUNK = b"@@ -1,2 +1,2 @@\n " + LINE % 120_000 + b"\n-" + LINE % 120_001 + b"\n+    y = 1\n"
CASES = (
    ("10 MiB, block, no grammar", LARGE, block(LINE % 120_000, b"    y = 1"), "a.txt"),
    ("10 MiB, block", LARGE, block(LINE % 120_000, b"    y = 1"), "a.py"),
    ("10 MiB, diff with wrong numbers", LARGE, HUNK, "a.py"),
    ("50,000 lines, block", FUNCTIONS, block(b"    return 7777", b"    return 1"), "a.py"),
    ("400 lines, block", FUNCTIONS[:8000], block(b"    return 77", b"    return 1"), "a.py"),
)


def main(repeats: int = 21) -> None:
    applier = Applier.without_model()
    for name, original, edit, path in CASES:
        wall: list[float] = []
        own: list[float] = []
        for _ in range(repeats):
            started, used = time.perf_counter(), time.thread_time()
            result = applier.apply(EditRequest(original=original, edit=edit, path=path))
            wall.append(1e3 * (time.perf_counter() - started))
            own.append(1e3 * (time.thread_time() - used))
            assert result.status is Status.APPLIED
        print(
            f"{name:33} wall {min(wall):6.1f} / {median(wall):6.1f} ms   "
            f"thread {min(own):6.1f} / {median(own):6.1f} ms"
        )


if __name__ == "__main__":
    main()
