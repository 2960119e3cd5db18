"""The Applier that is measured in process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from applier.models.home import model_or_default
from applier.pipeline import Applier

if TYPE_CHECKING:
    from kernels.model import BackendName


def open_applier(
    model: Path | None, backend: BackendName = "auto", threads: int | None = None, processes: int = 0
) -> Applier:
    """With its model loaded, and a scheduler as a server has one; None is the default model. With `processes`
    everything but merges runs in so many others.

    Raises ModelNotFoundError.
    """
    applier = Applier.from_model_dir(model_or_default(model), backend, threads)
    applier.start_scheduler()
    if processes:
        applier.start_processes(processes)
    return applier
