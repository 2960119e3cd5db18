"""Merges of the tiny random model to schedule: many different ones, and one again and again."""

from __future__ import annotations

from applier.align.propose import align
from applier.engine.job import Job
from applier.merge import confidence as head_start
from applier.merge.constraint import Constraint, KnownLines, known_lines
from applier.merge.drafts import Drafter
from applier.merge.proposal_path import Guide
from applier.merge.result import DecodeOptions
from applier.merge.task import MergeTask
from tests.applier.tiny import codec

# The random model writes the alignment's proposal, through all of the model tier.
ENDLESS = head_start.ENDLESS.bias


class WatchedTask(MergeTask):
    """Remembers the hash of the cache that it gave back last, and whether it ever had one."""

    kv_sha256 = ""
    begun = 0

    def begin(self, cache):
        super().begin(cache)
        self.begun += 1
        self.reused = cache.length

    def suspend(self):
        if self.cache is not None:
            self.kv_sha256 = self.cache.sha256()
        super().suspend()


def file_lines(number: int, length: int) -> list[str]:
    """Lines that differ from file to file and from place to place."""
    return [f"    value_{number}_{place} = {place * 7 % 13}" for place in range(length)]


def task(
    number: int = 0,
    length: int = 6,
    options: DecodeOptions | None = None,
    bias: float = ENDLESS,
    limit: int = 0,
) -> WatchedTask:
    """Changes the last line of file `number` but one."""
    items = file_lines(number, length)
    edit = [*items[:-1], f"    changed = {number}", items[-1]]
    proposal = align(items, edit, "python")
    known = KnownLines(codec(), known_lines(items, edit, proposal))
    prompt = codec().build_prompt(items, edit[-3:], basename="x.py")
    return WatchedTask(
        codec(),
        prompt,
        Drafter(codec(), proposal, items, edit),
        Constraint(known, items),
        limit or len(codec().encode_items(proposal)) + 8,
        options,
        True,
        Guide(codec(), proposal),
        bias,
    )


def job(number: int = 0, length: int = 6, cancel=None, call=None, **more) -> Job:
    return Job(task(number, length, **more), call or object(), cancel)


def essence(one: Job):
    """All of a result that no schedule may change."""
    answer = one.answer.result(timeout=0)
    task = one.task
    assert isinstance(task, WatchedTask)
    chosen = task.decisions
    return type(answer), tuple(task.written), chosen.margin, chosen.weakest, chosen.sha256, task.kv_sha256
