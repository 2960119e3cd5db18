"""Time of exact edits through the whole pipeline, with no model in it."""

from __future__ import annotations

from collections.abc import Callable

from applier.pipeline import Applier
from applier.types import EditRequest
from evals.bench.harness.record import Row
from evals.bench.sizes import timed

_LINE = b"    x%d = some_function(arg, other)  # c"


def _block(old: bytes, new: bytes) -> bytes:
    return b"<<<<<<< SEARCH\n" + old + b"\n=======\n" + new + b"\n>>>>>>> REPLACE\n"


def cases() -> dict[str, EditRequest]:
    """Edits by name."""
    large = b"".join(_LINE % i + b"\n" for i in range(240_000))[: 10 << 20]
    functions = b"".join(b"def f%d():\n    return %d\n\n\n" % (i, i) for i in range(12_500))
    block = _block(_LINE % 120_000, b"    y = 1")
    hunk = b"@@ -1,2 +1,2 @@\n " + _LINE % 120_000 + b"\n-" + _LINE % 120_001 + b"\n+    y = 1\n"
    return {
        "10 MiB, block, no grammar": EditRequest(large, block, "a.txt"),
        "10 MiB, block": EditRequest(large, block, "a.py"),
        "10 MiB, diff with wrong numbers": EditRequest(large, hunk, "a.py"),
        "50,000 lines, block": EditRequest(functions, _block(b"    return 7777", b"    return 1"), "a.py"),
        "400 lines, block": EditRequest(functions[:8000], _block(b"    return 77", b"    return 1"), "a.py"),
    }


def bench_exact(repeats: int, told: Callable[[Row], None] = lambda row: None) -> list[Row]:
    """A row for each case. Hashing runs on a second thread: wall-clock time needs two free cores."""
    applier = Applier.without_model()
    rows: list[Row] = []
    for name, request in cases().items():
        _, row = timed(applier, request, repeats)
        rows.append({"case": name, "file_bytes": len(request.original), **row})
        told(rows[-1])
    return rows
