"""Who is admitted next: weighted fair queueing (Demers, Keshav & Shenker 1989) with equal weights.

Virtual time advances by the tokens of each pass divided by the merges present, as it would for a merge that
gets its exact share. A merge's tag is the virtual time at which such a share would have finished it, after
the merges of the same call before it; the lowest tag goes first. So a small edit passes huge ones that came
before it, and a huge one waits only until virtual time has reached its tag: nothing starves.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count

from .job import Job


class WaitingQueue:
    """Jobs that wait for room, lowest tag first, in order of arrival where tags are equal."""

    def __init__(self) -> None:
        self.virtual_time = 0.0
        self.cost = 0  # of all that wait
        self._heap: list[tuple[float, int, Job]] = []
        self._arrivals = count()

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Job]:
        return (job for _, _, job in self._heap)

    def add(self, job: Job) -> None:
        """A job that arrives now."""
        job.finish_tag = self.virtual_time + job.before + job.cost
        self.put_back(job)

    def put_back(self, job: Job) -> None:
        """A job that had been admitted; it keeps its tag."""
        self.cost += job.cost
        heapq.heappush(self._heap, (job.finish_tag, next(self._arrivals), job))

    def first(self) -> Job:
        """The job that is admitted next."""
        return self._heap[0][2]

    def pop(self) -> Job:
        """Takes the first job out."""
        job = heapq.heappop(self._heap)[2]
        self.cost -= job.cost
        return job

    def remove(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """Takes out the jobs that the predicate names."""
        out = [job for job in self if unwanted(job)]
        if out:
            self._heap = [entry for entry in self._heap if entry[2] not in out]
            heapq.heapify(self._heap)
            self.cost -= sum(job.cost for job in out)
        return out

    def served(self, tokens: int, present: int) -> None:
        """Counts a pass of `tokens` for `present` merges, running and waiting."""
        self.virtual_time += tokens / max(present, 1)
