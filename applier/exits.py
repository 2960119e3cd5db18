"""Exit codes, and the one place that turns an exception into a message and a code."""

from __future__ import annotations

import traceback

from applier.files import (
    FileChangedError,
    FileError,
    FileMissingError,
    FilePermissionError,
    NotARegularFileError,
    OutsideRootError,
)

DONE = 0
USAGE = 2
REFUSED = 3
INTERNAL = 4

# Packages that only some commands need, and the extra that brings each.
EXTRA_OF = {
    "accelerate": "train",
    "google": "gemini",
    "jinja2": "evals",
    "matplotlib": "evals",
    "openai": "openai",
    "anthropic": "anthropic",
    "ollama": "ollama",
    "mcp": "reasoner",
    "peft": "train",
    "ray": "ray",
    "torch": "torch",
    "transformers": "train",
    "triton": "gpu",
}


class CommandError(Exception):
    """A command cannot go on: a sentence for the person who typed it, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def explain(error: Exception) -> tuple[str, int]:
    """Message and exit code of an exception that a command raised."""
    match error:
        case CommandError():
            return str(error), error.code
        case FileMissingError() | NotARegularFileError():
            return str(error), USAGE
        case OutsideRootError() | FileChangedError() | FilePermissionError():
            return str(error), REFUSED
        case FileError():
            return str(error), INTERNAL
    if isinstance(code := getattr(error, "exit_code", None), int):  # an error of the workspace
        return str(error), code
    if isinstance(error, ModuleNotFoundError) and (extra := EXTRA_OF.get((error.name or "").split(".")[0])):
        return f"this needs {error.name}, which is not installed: pip install 'samebytes[{extra}]'", USAGE
    if message := _model_problem(error):
        return message, INTERNAL
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    return f"internal error at {where}: {type(error).__name__}: {error}. No file was changed.", INTERNAL


def _model_problem(error: Exception) -> str | None:
    """A model that is damaged or cannot run here; imported late, since most errors come before the model."""
    from kernels.backend import BackendError
    from kernels.weights import WeightsError

    if isinstance(error, WeightsError):
        return f"the model cannot be used: {error}; `samebytes model fetch` makes the default one again"
    return str(error) if isinstance(error, BackendError) else None
