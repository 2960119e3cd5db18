"""Merges run in the calling thread: for one-shot commands, which share no pass with anyone."""

from __future__ import annotations

from collections.abc import Sequence

from applier.cancellation import current_token
from applier.decode import MergeTask
from applier.merge import DecodeError, Merge
from kernels.model import Model

from .jobs import Job
from .options import SchedulerOptions
from .steps import StepLoop


def run_tasks(
    model: Model, tasks: Sequence[MergeTask], batch_tokens: int | None = None
) -> list[Merge | DecodeError]:
    """Runs merges side by side until all are done. Raises Cancelled, and what `Model.forward` raises."""
    loop = StepLoop(model, SchedulerOptions(batch_tokens=batch_tokens, prefix_bytes=0))
    jobs = Job.of_call(tasks, current_token())
    for job in jobs:
        loop.add(job)
    while loop.busy:
        loop.step()
    return [job.answer.result() for job in jobs]
