"""What the scheduler tells about each step, for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, and how things stand after it. Counts are of this step alone."""

    running: int
    waiting: int
    batch_tokens: int
    batch_merges: int
    prompt_tokens: int  # of the merges admitted
    prefix_hit_tokens: int  # of those, positions taken from the prefix cache
    preempted: int
    cancelled: int
    cache_bytes: int
    prefix_bytes: int
