"""How time grows with the size of the file, and with the size of the edit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from statistics import mean, median

from applier.pipeline import Applier
from applier.types import EditFormat, EditRequest, EditResult, Status, Tier
from evals.bench.harness.load import Load, LoadEdit
from evals.bench.harness.record import Row
from evals.bench.samples import percentile
from evals.cases.case import Category, padding

FILE_SIZES = (
    *(1 << n for n in range(10, 23, 2)),
    10 << 20,
)  # bytes: 1 KiB to 4 MiB in steps of 4, and 10 MiB
EDIT_LINES = (1, 2, 5, 10, 20, 40, 80)
_PLACED = (EditFormat.SEARCH_REPLACE, EditFormat.UNIFIED_DIFF, EditFormat.V4A)
_LINE = "setting_{n} = compute(first, second, {n})"


def timed(applier: Applier, request: EditRequest, repeats: int) -> tuple[EditResult, Row]:
    """The result, and milliseconds over the repeats after one that is not counted.

    Thread time is the processor's, of the calling thread alone.
    """
    result = applier.apply(request)
    wall: list[float] = []
    own: list[float] = []
    steps: list[dict[str, float]] = []
    for _ in range(repeats):
        began, used = time.perf_counter(), time.thread_time()
        result = applier.apply(request)
        own.append(1e3 * (time.thread_time() - used))
        wall.append(1e3 * (time.perf_counter() - began))
        steps.append(asdict(result.timing))
    row: Row = {
        "milliseconds": {
            "min": round(min(wall), 3),
            "p50": round(median(wall), 3),
            "p95": round(percentile(wall, 0.95), 3),
        },
        "thread_milliseconds": {"min": round(min(own), 3), "p50": round(median(own), 3)},
        "step_milliseconds": {name: round(mean(step[name] for step in steps), 3) for name in steps[0]},
        "status": result.status.value,
        "tier": result.tier.value,
        "window_tokens": result.tokens.merged,
        "prompt_tokens": result.tokens.prompt,
        "passes": result.tokens.passes,
    }
    return result, row


def grown(edit: LoadEdit, size: int) -> EditRequest:
    """The request with assignments after the file's own lines, until it has `size` bytes or a little more."""
    request = edit.case.request()
    end = b"" if request.original.endswith(b"\n") else b"\n"
    missing = size - len(request.original) - len(end)
    filler = padding(max(0, missing) // len(_LINE) + 1, _LINE, "utf-8", 1) if missing > 0 else b""
    cut = filler.find(b"\n", max(0, missing - 1)) + 1
    return replace(request, original=request.original + end + filler[:cut])


def file_sizes(
    applier: Applier, load: Load, sizes: Sequence[int], repeats: int, told: Callable[[Row], None]
) -> list[Row]:
    """A row for each tier and size: the smallest plain Python edit of the tier in files of growing size.

    Edits of the exact tier are those that show where they belong, which a whole file does not.
    """
    rows: list[Row] = []
    for tier, formats in ((Tier.EXACT, _PLACED), (Tier.MODEL, (EditFormat.LAZY,))):
        edits = [
            edit
            for edit in load.edits
            if edit.tier is tier
            and edit.case.format in formats
            and edit.case.category in (Category.PLAIN, Category.HELD_OUT)
            and edit.case.language == "python"
        ]
        if not edits or (tier is Tier.MODEL and applier.info is None):
            continue
        edit = min(edits, key=lambda e: (len(e.case.original), e.case.id))
        for size in sizes:
            request = grown(edit, size)
            _, row = timed(applier, request, repeats)
            rows.append({"case": edit.case.id, "file_bytes": len(request.original), **row})
            told(rows[-1])
    return rows


def long_edit(lines: int) -> tuple[EditRequest, bytes]:
    """(a lazy snippet that changes so many lines of a module, each in a function of its own; what must come
    out).
    """
    functions = [f"def step_{n}(x):\n    y = x + {n}\n    return y * {n + 1}\n\n\n" for n in range(200)]
    first = (len(functions) - lines) // 2
    changed = [
        text.replace(f"y = x + {n}", f"y = x - {n}") if first <= n < first + lines else text
        for n, text in enumerate(functions)
    ]
    marker = "# ... existing code ...\n\n\n"
    edit = marker + "".join(changed[first : first + lines]) + marker
    original = "".join(functions).encode()
    return EditRequest(original=original, edit=edit.encode(), path="steps.py"), "".join(changed).encode()


def edit_sizes(
    applier: Applier, lines: Sequence[int], repeats: int, told: Callable[[Row], None]
) -> list[Row]:
    """A row for each number of changed lines."""
    rows: list[Row] = []
    for number in lines:
        request, expected = long_edit(number)
        result, row = timed(applier, request, repeats)
        right = result.status is Status.APPLIED and result.content == expected
        rows.append({"changed_lines": number, "edit_bytes": len(request.edit), "right": right, **row})
        told(rows[-1])
    return rows
