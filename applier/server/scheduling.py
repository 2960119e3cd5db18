"""The scheduler of a server and the processes beside it, from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from applier.engine.options import MIB, SchedulerOptions
from applier.pipeline import Applier
from applier.server.config import ServerConfig
from applier.server.metrics import ServerMetrics
from applier.types import AppliesEdits

if TYPE_CHECKING:
    from applier.engine.scheduler import Scheduler
    from applier.processes.pool import Pool

FEWEST_PROCESSES, MOST_PROCESSES = 2, 16


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


def start_processes(applier: AppliesEdits, config: ServerConfig) -> Pool | None:
    """Lets everything but merges run in other processes; None where that is not asked for.

    On a CPU the model takes the cores itself, and two are enough: one goes on when the other has got an edit
    that takes it long. Beside a GPU one process could not keep up with it. Raises ModelNotFoundError.
    """
    if not isinstance(applier, Applier):
        return None
    from kernels.cpu.engine import available_cores

    count = config.processes
    if count is None:
        on_gpu = applier.model is not None and applier.model.device != "cpu"
        count = max(FEWEST_PROCESSES, min(MOST_PROCESSES, available_cores() - 2) if on_gpu else 0)
    if not count:
        return None
    pool = applier.start_processes(count)
    pool.wait()
    return pool
