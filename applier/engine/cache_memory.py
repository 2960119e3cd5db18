"""A byte budget for the caches of running merges and the prefix cache together.

A running merge holds room for its whole answer from the start, so that it can never run out half-way. What
does not fit waits; blocks of the prefix cache make room first.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernels.model import CacheFull, KVCache, Model

from .job import Job
from .options import CacheBudgetError, machine_cache_bytes
from .prefix_cache import PrefixCache


class CacheMemory:
    """Gives jobs their caches and takes them back. On a GPU the budget is the backend's pool of pages.

    Raises CacheBudgetError when the budget does not hold one cache of the model's full length.
    """

    def __init__(self, model: Model, budget: int | None, prefix_bytes: int | None) -> None:
        self._model = model
        self._pooled = model.free_cache_bytes() is not None
        free = model.free_cache_bytes()
        self.budget = free if free is not None else machine_cache_bytes() if budget is None else budget
        largest = model.cache_bytes(model.config.max_position)
        if self.budget < largest:
            raise CacheBudgetError(
                f"{self.budget:,} bytes of caches do not hold one of the model's full length ({largest:,})"
            )
        self.running_bytes = 0
        self.prefixes = PrefixCache(self.budget // 4 if prefix_bytes is None else prefix_bytes)

    @property
    def free(self) -> int:
        """Bytes left."""
        if self._pooled:
            return self._model.free_cache_bytes() or 0
        return self.budget - self.running_bytes - self.prefixes.nbytes

    def begin(self, job: Job) -> bool:
        """Gives the job a cache that begins with the known blocks of its prompt; False without room."""
        task = job.task
        while True:
            blocks = self.prefixes.find(job.keys[: self._usable(job)])
            needed = self._model.cache_bytes(task.capacity, len(blocks))
            if needed <= self.free:
                break
            self.prefixes.touch(job.keys)  # what the job itself can use goes last
            if not self.prefixes.evict():
                return False
        try:
            cache = self._model.new_cache(task.capacity, blocks)
        except CacheFull:
            return False
        self.prefixes.touch(job.keys)
        job.saved, job.cache_bytes = len(blocks), needed
        self.running_bytes += needed
        task.begin(cache)
        return True

    def end(self, job: Job) -> None:
        """Takes the job's cache back."""
        self.running_bytes -= job.cache_bytes
        job.cache_bytes = 0
        job.task.suspend()

    def first_missing(self, job: Job) -> bytes | None:
        """The key of the first block of the job's prompt that is not in the prefix cache, None without."""
        return next((key for key in job.keys if key not in self.prefixes), None)

    def to_compute(self, job: Job) -> Sequence[bytes]:
        """The keys of the blocks that a running job has yet to compute."""
        cache = job.task.cache
        assert cache is not None
        return job.keys[cache.length // cache.block :]

    def save_prompt(self, job: Job) -> None:
        """Keeps the blocks of the prompt that a pass has just completed."""
        cache = job.task.cache
        assert cache is not None
        complete = min(cache.length // cache.block, len(job.keys))
        if job.saved >= complete:
            return
        for index in range(job.saved, complete):
            if not self._add(job.keys[index], cache, index):
                break
            job.saved = index + 1
        self.prefixes.touch(job.keys[: job.saved])

    def _add(self, key: bytes, cache: KVCache, index: int) -> bool:
        block_bytes = 0 if self._pooled else self._model.cache_bytes(cache.block)
        while self.free < block_bytes:
            if not self.prefixes.evict():
                return False
        return self.prefixes.add(key, lambda: cache.save_block(index))

    def _usable(self, job: Job) -> int:
        """Blocks of the prompt that leave at least its last token to the model."""
        if not job.keys:
            return 0
        return min(len(job.keys), (len(job.task.prompt) - 1) // self.block)

    @property
    def block(self) -> int:
        """Positions of a block."""
        return self._model.block
