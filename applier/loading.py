"""Load the Applier for a command, with a message instead of an exception where it cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from applier.exits import INTERNAL, USAGE, CommandError

if TYPE_CHECKING:
    from applier.pipeline import Applier


def load_applier(model: Path | None) -> Applier:
    """The Applier over the model that `model` names or holds, or over the default model where it was fetched.

    Raises CommandError where `model` holds none.
    """
    from applier.merge.model_info import ModelNotFoundError
    from applier.pipeline import Applier

    try:
        return Applier.from_default(_folder(model))
    except ModelNotFoundError as error:
        raise CommandError(str(error), USAGE) from error


def _folder(model: Path | None) -> Path | None:
    """A model's folder from the path to it, or from the name under which it was fetched or converted."""
    from applier.models.home import model_folder

    if model is None or model.is_dir():
        return model
    named = model_folder(str(model))
    return named if named.is_dir() else model


def load_tested_applier(model: Path | None) -> Applier:
    """As `load_applier`, with the model in memory and the self-test of this machine's arithmetic passed.

    Raises CommandError where it did not pass: an Applier that could give wrong bits is never served.
    """
    from kernels.selftest.run import run_selftest

    applier = load_applier(model)
    if applier.model is not None:
        failed = [check.name for check in run_selftest() if not check.passed]
        if failed:
            message = f"the self-test failed ({', '.join(failed)}), so nothing is served"
            raise CommandError(message, INTERNAL)
    return applier
