"""A stock transformers model in process, batching whatever is in flight, as a server would."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evals.audit.target import Ask, Reply
from evals.audit.targets.batching import Batcher
from evals.audit.targets.prompts import PromptWorkload
from evals.audit.transformers_batch import BatchGenerator, Generation


class TransformersServer:
    """Requests of a batch are padded to the longest. Greedy only. The digest is of the prefill logits."""

    samples = False

    def __init__(self, generator: BatchGenerator, new_tokens: int = 64, most: int = 256) -> None:
        import transformers

        self.name = f"transformers {transformers.__version__} {generator.dtype} in process"
        self.model = generator.name
        self.workload = PromptWorkload()
        self._generator = generator
        self._new_tokens = new_tokens
        self._batcher: Batcher[list[int], Generation] = Batcher(self._generate, most)

    def _generate(self, rows: Sequence[list[int]]) -> list[Generation]:
        return self._generator.generate(rows, self._new_tokens)

    async def ask(self, ask: Ask) -> Reply:
        (row,) = self._generator.encode([ask.payload])
        generation = await self._batcher.submit(row)
        return Reply(
            output=json.dumps(generation.tokens).encode(),
            tokens=generation.tokens,
            digest=generation.prefill_sha256,
        )

    async def close(self) -> None:
        await self._batcher.drain()
