"""The Applier that is measured in process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from applier.pipeline import Applier

if TYPE_CHECKING:
    from kernels.model import BackendName


def model_or_default(model: Path | None) -> Path:
    """The folder of a model, the default one's for None."""
    if model is None:
        from applier.models.home import model_folder
        from applier.models.manifest import DEFAULT_MODEL

        return model_folder(DEFAULT_MODEL)
    return model


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
