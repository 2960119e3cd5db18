"""Dynamic batching in process: what is waiting when a batch ends goes into the next one together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

P = TypeVar("P")
R = TypeVar("R")


class Batcher(Generic[P, R]):
    """`run` maps at most `most` payloads to as many results, in a thread; one batch at a time."""

    def __init__(self, run: Callable[[Sequence[P]], Sequence[R]], most: int) -> None:
        self._run, self._most = run, most
        self._waiting: list[tuple[P, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, payload: P) -> R:
        """The result of one payload. Raises what `run` raised for its batch."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((payload, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        # Everything sent in the same turn of the event loop is queued before the first batch is formed.
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                results = await asyncio.to_thread(self._run, [payload for payload, _ in batch])
            except Exception as error:  # handed to every request of the batch
                for _, future in batch:
                    future.set_exception(error)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)

    async def drain(self) -> None:
        """Wait for the batch in progress."""
        if self._worker is not None:
            await self._worker
