"""The step loop's one step: drop what is cancelled, admit what fits, share the pass out, run it.

Fairness is between calls. Each pass is divided max-min fairly among the calls with merges running, and a
call's part among its merges: a call of many or huge merges gets as much as a call of one small one, and what
a call does not need goes to the others. Where there is no room for all, the order of `queue` decides, in a
pass as at admission: who would be done first with a fair share goes first. Where the next one finds no
memory, a running merge at least `PREEMPT_RATIO` times its size and later in that order gives up its cache, at
most `MOST_PREEMPTIONS` times in its life, and is continued later over a cache filled anew.
"""

from __future__ import annotations

from collections.abc import Callable

from kernels.model import CacheFull, Model

from ..cancellation import Cancelled
from ..merge.result import DecodeError, Merge
from .batch import Part, run_pass
from .cache_memory import CacheMemory
from .fairness import draft_limit, fair_shares, least_share
from .job import Job
from .options import SchedulerOptions, StepReport, batch_tokens
from .prefix_cache import block_keys, root_key
from .wait_queue import WaitingQueue

PREEMPT_RATIO = 4
MOST_PREEMPTIONS = 2
Answer = Merge | DecodeError


class StepLoop:
    """Running and waiting merges of one model. For one thread; `Scheduler` lets any thread hand merges in."""

    def __init__(
        self,
        model: Model,
        options: SchedulerOptions | None = None,
        on_step: Callable[[StepReport], None] | None = None,
    ) -> None:
        """`on_step` is called for every step before its answers are given: whoever has an answer finds it
        counted.

        Raises CacheBudgetError when the memory allowed holds no cache of the model's full length.
        """
        self.options = options or SchedulerOptions()
        self.memory = CacheMemory(model, self.options.cache_bytes, self.options.prefix_bytes)
        self.waiting = WaitingQueue()
        self.running: list[Job] = []
        self._model = model
        self._room = batch_tokens(self.options.batch_tokens, model.device)
        self._root = root_key(model.weights_sha256)
        self._on_step = on_step
        self._answers: list[tuple[Job, Answer | Exception]] = []  # of this step
        self._prompt_tokens = self._hit_tokens = self._preempted = self._cancelled = 0

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.running or self.waiting)

    def add(self, job: Job) -> None:
        """Takes a job in; its `answer` is set by a later step."""
        if self.memory.prefixes.max_bytes:
            job.keys = block_keys(self._root, job.task.prompt, self.memory.block)
        self.waiting.add(job)

    def step(self) -> StepReport:
        """Runs one step. An error of the model ends the merges of that pass with it, and no others."""
        self._prompt_tokens = self._hit_tokens = self._preempted = self._cancelled = 0
        self._drop_cancelled()
        self._admit()
        parts = self._share()
        if parts:
            self._run(parts)
        tokens = sum(len(part.tokens) for _, part in parts)
        report = StepReport(
            running=len(self.running),
            waiting=len(self.waiting),
            batch_tokens=tokens,
            batch_merges=len(parts),
            prompt_tokens=self._prompt_tokens,
            prefix_hit_tokens=self._hit_tokens,
            preempted=self._preempted,
            cancelled=self._cancelled,
            cache_bytes=self.memory.running_bytes,
            prefix_bytes=self.memory.prefixes.nbytes,
        )
        self.waiting.served(tokens, len(self.running) + len(self.waiting))
        try:
            if self._on_step is not None:
                self._on_step(report)
        finally:
            self._give_answers()
        return report

    def drop_all(self, error: Exception) -> None:
        """Ends every job with `error`."""
        for job in [*self.running, *self.waiting.remove(lambda _: True)]:
            self._leave(job)
            self._answers.append((job, error))
        self._give_answers()

    def _give_answers(self) -> None:
        answers, self._answers = self._answers, []
        for job, answer in answers:
            if isinstance(answer, Answer):
                job.answer.set_result(answer)
            else:
                job.answer.set_exception(answer)

    def _drop_cancelled(self) -> None:
        dropped = [job for job in self.running if job.cancelled]
        dropped += self.waiting.remove(lambda job: job.cancelled)
        for job in dropped:
            self._leave(job)
            self._answers.append((job, Cancelled()))
        self._cancelled = len(dropped)

    def _leave(self, job: Job) -> None:
        if job in self.running:
            self.running.remove(job)
            self.memory.end(job)

    def _admit(self) -> None:
        """Admits what fits. A job whose prompt begins like one that is being computed waits for its blocks
        instead.
        """
        computing = {key for job in self.running for key in self.memory.to_compute(job)}
        held: list[Job] = []
        while self.waiting and len(self.running) < self.options.max_running:
            job = self.waiting.first()
            if self.memory.first_missing(job) in computing:
                held.append(self.waiting.pop())
            elif self.memory.begin(job):
                self.waiting.pop()
                self.running.append(job)
                assert job.task.cache is not None
                self._prompt_tokens += len(job.task.prompt)
                self._hit_tokens += job.task.cache.length
                computing.update(self.memory.to_compute(job))
            elif not self.running:  # the pool is taken by caches that are not this loop's
                self.waiting.pop()
                full = CacheFull(f"no room for a cache of {job.task.capacity} positions")
                self._answers.append((job, full))
            elif not self._preempt_for(job):
                break
        for job in held:
            self.waiting.put_back(job)

    def _preempt_for(self, job: Job) -> bool:
        """Takes the cache of the last merge in order that may be preempted for `job`; False for none."""
        victims = [
            other
            for other in self.running
            if other.cost >= PREEMPT_RATIO * job.cost
            and other.finish_tag > job.finish_tag
            and other.preempted < MOST_PREEMPTIONS
        ]
        if not victims:
            return False
        victim = max(victims, key=lambda other: other.finish_tag)
        self.preempt(victim)
        return True

    def preempt(self, job: Job) -> None:
        """Takes a running merge's cache back; it waits again, and goes on with the same bits."""
        self._leave(job)
        job.preempted += 1
        self._preempted += 1
        self.waiting.put_back(job)

    def _share(self) -> list[tuple[Job, Part]]:
        """Who takes part in the next pass, and with which tokens."""
        pressure = sum(job.task.wanted() for job in self.running) / self._room
        limits = {job: draft_limit(pressure, job.task.accepted, job.task.missed) for job in self.running}
        wanted = {job: job.task.wanted(limit) for job, limit in limits.items()}
        by_call: dict[object, list[Job]] = {}
        for job in sorted(self.running, key=lambda job: job.finish_tag):
            by_call.setdefault(job.call, []).append(job)
        calls = list(by_call.values())
        parts = []
        least = least_share(self._room)
        shares = fair_shares([sum(wanted[job] for job in jobs) for jobs in calls], self._room, least)
        for share, jobs in zip(shares, calls, strict=True):
            parted = fair_shares([wanted[job] for job in jobs], share, least)
            for tokens, job in zip(parted, jobs, strict=True):
                if tokens:
                    parts.append((job, Part(job.task, job.task.next_tokens(tokens, limits[job]))))
        return parts

    def _run(self, parts: list[tuple[Job, Part]]) -> None:
        errors: list[Exception | None]
        try:
            errors = run_pass(self._model, [part for _, part in parts])
        except Exception as failure:
            errors = [failure] * len(parts)
        for (job, _), error in zip(parts, errors, strict=True):
            if error is None:
                self.memory.save_prompt(job)
                if not job.task.done:
                    continue
            self._leave(job)
            self._answers.append((job, error or job.task.result()))
