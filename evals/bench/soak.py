"""Steady load on a server process for a long time, with its memory, open files and threads watched.

Reads /proc: Linux only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from evals.bench.generator import closed_loop, open_loop, poisson
from evals.bench.harness.load import LoadEdit, Traffic
from evals.bench.harness.targets import Target
from evals.bench.samples import Sample

MEMORY_SLACK = 16 << 20  # bytes: allocators and caches that are still filling
MEMORY_SHARE = 0.02
FEW = 2  # files or threads
# Caches that fill up and threads that are started for a first crowd are growth by design: in a server with
# these settings they are all there early.
SMALL = {
    "SAMEBYTES_SERVER_MEMO_BYTES": str(1 << 20),
    "SAMEBYTES_SERVER_PREFIX_CACHE_MIB": "32",
    "SAMEBYTES_SERVER_WORKERS": "16",
}
CROWD = 24


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process holds, `at` seconds after the start."""

    at: float
    resident_bytes: int
    open_files: int
    threads: int


def usage(pid: int, at: float) -> Usage:
    """Raises ProcessLookupError for a process that is gone."""
    process = Path("/proc") / str(pid)
    try:
        fields = dict(
            line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
        )
        return Usage(
            at=round(at, 2),
            resident_bytes=1024 * int(fields["VmRSS"].split()[0]),
            open_files=sum(1 for _ in (process / "fd").iterdir()),
            threads=int(fields["Threads"]),
        )
    except (FileNotFoundError, KeyError) as error:  # a zombie has no VmRSS
        raise ProcessLookupError(f"process {pid} is gone") from error


def growth(usages: Sequence[Usage]) -> list[str]:
    """What grew, as sentences: the last quarter against the second. The first quarter is for warming up.

    Raises ValueError for fewer than eight observations.
    """
    if len(usages) < 8:
        raise ValueError("a soak needs at least eight observations")
    quarter = len(usages) // 4
    grown: list[str] = []
    for name, slack, share in (
        ("resident_bytes", MEMORY_SLACK, MEMORY_SHARE),
        ("open_files", FEW, 0.0),
        ("threads", FEW, 0.0),
    ):
        early = median(getattr(one, name) for one in usages[quarter : 2 * quarter])
        late = median(getattr(one, name) for one in usages[-quarter:])
        if late > early * (1 + share) + slack:
            grown.append(f"{name} grew from {early:,.0f} to {late:,.0f}")
    return grown


async def warm_up(target: Target, edits: Sequence[LoadEdit]) -> None:
    """More requests at once than the server has threads."""
    await closed_loop(target, Traffic(edits, 0.0, first_turn=1_000_000), CROWD, 600.0, CROWD)


async def soak(
    target: Target,
    traffic: Traffic,
    pid: int,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    told: Callable[[Usage], None] = lambda usage: None,
) -> tuple[list[Sample], list[Usage], float]:
    """(samples, what the process held every `every` seconds, seconds in all)."""
    usages: list[Usage] = []
    begin = time.perf_counter()

    async def watch() -> None:
        while True:
            usages.append(usage(pid, time.perf_counter() - begin))
            told(usages[-1])
            await asyncio.sleep(every)

    watcher = asyncio.create_task(watch())
    try:
        samples, wall = await open_loop(target, traffic, poisson(rate, seconds, seed))
    finally:
        watcher.cancel()
    gone = (await asyncio.gather(watcher, return_exceptions=True))[0]
    if isinstance(gone, ProcessLookupError):
        raise gone
    return samples, usages, wall


def as_rows(usages: Sequence[Usage]) -> list[dict[str, float]]:
    """Observations for the record."""
    return [asdict(one) for one in usages]
