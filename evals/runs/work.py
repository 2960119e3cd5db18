"""Do the work of a run, in this process or in several, and yield results as they come."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

J = TypeVar("J")

Sample = dict[str, Any]


def run_jobs(
    jobs: Sequence[J],
    setup: Callable[..., None],
    setup_arguments: tuple[Any, ...],
    work: Callable[[J], Sample],
    workers: int,
    own_process: bool = False,
) -> Iterator[Sample]:
    """`work(job)` for every job, after `setup(*setup_arguments)` once in each process; in order with one
    worker.

    One worker is this process, or with `own_process` a new one. Workers are started afresh and not forked: a
    forked process would share the threads and locks of this one. `setup` and `work` must be importable
    functions.
    """
    if not jobs:
        return
    if workers == 1 and not own_process:
        setup(*setup_arguments)
        for job in jobs:
            yield work(job)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=setup, initargs=setup_arguments
    ) as pool:
        futures = [pool.submit(work, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            # Stopped or failed: what has not begun must not be waited for.
            for future in futures:
                future.cancel()
            raise
