"""Load the Applier for a command, with a message instead of an exception when the model is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from applier.cli.exits import INTERNAL, CommandError

if TYPE_CHECKING:
    from applier.pipeline import Applier


def load_applier(model: Path | None) -> Applier:
    """The Applier over the model in `model`, or over the default model where it was fetched."""
    from applier.pipeline import Applier

    return Applier.from_default(model)


def load_tested_applier(model: Path | None) -> Applier:
    """As `load_applier`, after the self-test of this machine's arithmetic has passed.

    Raises CommandError where it did not pass: an Applier that could give wrong bits is never served.
    """
    from kernels.selftest import SelfTestError, run_selftest

    applier = load_applier(model)
    try:
        run_selftest(applier.model)
    except SelfTestError as error:
        raise CommandError(f"the self-test failed, so nothing is served: {error}", INTERNAL) from error
    return applier
