"""A merge on its way through the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from applier.cancellation import CancelToken
from applier.merge.result import DecodeError, Merge
from applier.merge.task import MergeTask


@dataclass(eq=False, slots=True)
class Job:
    """`call` is the same object for all merges of one call; `cancel` drops the merge between two steps."""

    task: MergeTask
    call: object
    cancel: CancelToken | None
    keys: Sequence[bytes] = ()  # of the prompt's whole blocks, see `prefix_cache`
    answer: Future[Merge | DecodeError] = field(default_factory=Future)
    before: int = 0  # cost of the merges of the same call that go before it
    finish_tag: float = 0.0  # virtual time at which a fair share would have finished it
    saved: int = 0  # blocks of the prompt that are in the prefix cache
    cache_bytes: int = 0
    preempted: int = 0

    @staticmethod
    def of_call(tasks: Sequence[MergeTask], cancel: CancelToken | None) -> list[Job]:
        """The merges of one call, in their order."""
        call, before, jobs = object(), 0, []
        for task in tasks:
            jobs.append(Job(task, call, cancel, before=before))
            before += jobs[-1].cost
        return jobs

    @property
    def cancelled(self) -> bool:
        """Whether nobody is waiting for the merge any more."""
        return self.cancel is not None and self.cancel.cancelled

    @property
    def cost(self) -> int:
        """Tokens that the merge will take through the model at most, wrong drafts aside."""
        return self.task.capacity
