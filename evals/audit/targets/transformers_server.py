"""A stock transformers model in process, batching whatever is in flight, as a server would."""

from __future__ import annotations

import asyncio
import json

from evals.audit.target import Ask, Reply
from evals.audit.targets.prompts import PromptWorkload
from evals.audit.transformers_batch import BatchGenerator, Generation


class TransformersServer:
    """Requests that arrive while a batch runs wait and go into the next one together, padded to the longest.

    Greedy only. The digest of a reply is that of its prefill logits.
    """

    samples = False

    def __init__(self, generator: BatchGenerator, new_tokens: int = 64, most: int = 256) -> None:
        import transformers

        self.name = f"transformers {transformers.__version__} {generator.dtype} in process"
        self.model = generator.name
        self.workload = PromptWorkload()
        self._generator = generator
        self._new_tokens = new_tokens
        self._most = most
        self._waiting: list[tuple[list[int], asyncio.Future[Generation]]] = []
        self._running: asyncio.Task[None] | None = None

    async def _run(self) -> None:
        # Everything sent in the same turn of the event loop is queued before the first batch is formed.
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            rows = [row for row, _ in batch]
            try:
                generations = await asyncio.to_thread(self._generator.generate, rows, self._new_tokens)
            except Exception as error:  # handed to every request of the batch
                for _, future in batch:
                    future.set_exception(error)
                continue
            for (_, future), generation in zip(batch, generations, strict=True):
                future.set_result(generation)

    async def ask(self, ask: Ask) -> Reply:
        (row,) = self._generator.encode([ask.payload])
        future: asyncio.Future[Generation] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        generation = await future
        return Reply(
            output=json.dumps(generation.tokens).encode(),
            tokens=generation.tokens,
            digest=generation.prefill_sha256,
        )

    async def close(self) -> None:
        if self._running is not None:
            await self._running
