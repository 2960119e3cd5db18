"""Run edits in threads, so that the event loop stays free, with a bound on how many may wait.

A thread mostly waits: the model runs in the scheduler's thread, for the merges of all.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from applier.api.errors import overloaded, unanswerable
from applier.cancellation import CancelToken, cancel_scope
from applier.engine.options import SchedulerFull
from applier.types import AppliesEdits, EditRequest, EditResult, Unanswerable

Answer = TypeVar("Answer")


class Workers:
    """A pool of threads over one Applier; refuses work beyond `threads + max_waiting` edits."""

    def __init__(
        self,
        applier: AppliesEdits,
        threads: int,
        max_waiting: int,
        retry_seconds: Callable[[], int] = lambda: 1,
    ) -> None:
        self._applier = applier
        self._retry_seconds = retry_seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="samebytes-edit")
        self._places = threading.Semaphore(threads + max_waiting)

    async def apply(self, request: EditRequest) -> EditResult:
        """One edit; see `run`."""
        return await self.run(lambda applier: applier.apply(request))

    async def run(self, work: Callable[[AppliesEdits], Answer]) -> Answer:
        """Work with the applier in a thread.

        When the awaiting task is cancelled, an edit that waits is dropped, and one in work stops at its next
        check. Raises CallError (RESOURCE_EXHAUSTED) when too many edits wait.
        """
        if not self._places.acquire(blocking=False):
            raise overloaded(self._retry_seconds())
        token = CancelToken()
        try:
            future = self._pool.submit(self._work, work, token)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        try:
            return await asyncio.wrap_future(future)
        except SchedulerFull as error:
            raise overloaded(error.retry_seconds) from error
        except Unanswerable as error:
            raise unanswerable(str(error)) from error
        finally:
            token.cancel()

    def _work(self, work: Callable[[AppliesEdits], Answer], token: CancelToken) -> Answer:
        with cancel_scope(token):
            return work(self._applier)

    def close(self) -> None:
        """Drop what waits; edits in work end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
