"""The Applier that is measured in process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from applier.pipeline import Applier

if TYPE_CHECKING:
    from kernels.model import BackendName


def open_applier(model: Path | None, backend: BackendName = "auto", threads: int | None = None) -> Applier:
    """With its model loaded, and a scheduler as a server has one; None is the default model.

    Raises ModelNotFoundError.
    """
    if model is None:
        from applier.models.home import model_folder
        from applier.models.manifest import DEFAULT_MODEL

        model = model_folder(DEFAULT_MODEL)
    applier = Applier.from_model_dir(model, backend, threads)
    applier.start_scheduler()
    return applier
