"""The step loop in a thread of its own: merges of all threads share the model's passes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from kernels.model import Model

from ..cancellation import Cancelled, current_token
from ..merge.result import DecodeError, Merge
from ..merge.task import MergeTask
from .job import Job
from .options import SchedulerClosed, SchedulerFull, SchedulerOptions, StepReport
from .step_loop import StepLoop

LONGEST_RETRY = 60  # seconds
SMOOTHING = 0.1


class Scheduler:
    """Continuous batching for one model. A merge joins at the next step and leaves as soon as it is done."""

    def __init__(
        self,
        model: Model,
        options: SchedulerOptions | None = None,
        on_step: Callable[[StepReport], None] | None = None,
    ) -> None:
        """`on_step` is called in the scheduler's thread. Arguments and errors are those of `StepLoop`."""
        self._loop = StepLoop(model, options, on_step)
        self._changed = threading.Condition()
        self._arrived: list[Job] = []
        self._tokens_per_second = 0.0
        self._open = self._drain = True
        self._thread = threading.Thread(target=self._work, name="samebytes-steps", daemon=True)
        self._thread.start()

    @property
    def options(self) -> SchedulerOptions:
        """The limits that it was made with."""
        return self._loop.options

    @property
    def loop(self) -> StepLoop:
        """The step loop, for use in `on_step` alone: no other thread may touch it."""
        return self._loop

    @property
    def waiting(self) -> int:
        """Merges that have no cache yet."""
        return len(self._arrived) + len(self._loop.waiting)

    def run(self, tasks: Sequence[MergeTask]) -> list[Merge | DecodeError]:
        """Hands merges in and waits for all of them; together they count as one call for fairness.

        Raises Cancelled when the scope around the call is cancelled, SchedulerFull when too many merges wait
        already, SchedulerClosed, and what `Model.forward` raises.
        """
        jobs = Job.of_call(tasks, current_token())
        with self._changed:
            if not self._open:
                raise SchedulerClosed("the scheduler is closed")
            most = self.options.max_waiting
            if most is not None and self.waiting and self.waiting + len(jobs) > most:
                raise SchedulerFull(self.retry_seconds())
            self._arrived += jobs
            self._changed.notify()
        return [job.answer.result() for job in jobs]

    def retry_seconds(self) -> int:
        """About how long what waits now will take, 1 to 60 seconds."""
        if not self._tokens_per_second:
            return 1
        tokens = self._loop.waiting.cost + sum(job.cost for job in self._arrived)
        return min(LONGEST_RETRY, max(1, math.ceil(tokens / self._tokens_per_second)))

    def close(self, drain: bool = True) -> None:
        """Accepts no more merges. Finishes those it has, or with `drain` False ends them with Cancelled."""
        with self._changed:
            self._open = False
            self._drain = drain
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        while self._take():
            started = time.perf_counter()
            try:
                report = self._loop.step()
            except Exception as error:  # a bug: nobody may wait for ever
                self._loop.drop_all(error)
                continue
            self._measure(report, time.perf_counter() - started)

    def _take(self) -> bool:
        """Brings what has arrived into the loop; waits while there is nothing. False: closed and done."""
        with self._changed:
            while self._open and not self._arrived and not self._loop.busy:
                self._changed.wait()
            arrived, self._arrived = self._arrived, []
        for job in arrived:
            self._loop.add(job)
        if not self._open and not self._drain:
            self._loop.drop_all(Cancelled())
        return self._open or self._loop.busy

    def _measure(self, report: StepReport, seconds: float) -> None:
        speed = report.batch_tokens / seconds
        if not self._tokens_per_second:
            self._tokens_per_second = speed
        self._tokens_per_second += SMOOTHING * (speed - self._tokens_per_second)
