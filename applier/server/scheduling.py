"""The scheduler of a server, from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from applier.pipeline import Applier
from applier.scheduling.options import MIB, SchedulerOptions
from applier.server.config import ServerConfig
from applier.server.metrics import ServerMetrics
from applier.server.workers import AppliesEdits

if TYPE_CHECKING:
    from applier.scheduling.scheduler import Scheduler


def start_scheduler(applier: AppliesEdits, config: ServerConfig, metrics: ServerMetrics) -> Scheduler | None:
    """Lets the merges of all calls share the model's passes; None where `applier` has no model of its own.

    Raises CacheBudgetError when the memory allowed is too small for the model.
    """
    if not isinstance(applier, Applier):
        return None
    options = SchedulerOptions(
        batch_tokens=config.batch_tokens,
        max_running=config.workers,
        cache_bytes=None if config.cache_mib is None else config.cache_mib * MIB,
        prefix_bytes=None if config.prefix_cache_mib is None else config.prefix_cache_mib * MIB,
    )
    return applier.start_scheduler(options, metrics.step)
