"""The tests of a case: files to put beside the edited file, and the command that passes or fails.

Running them runs code, so only cases of this package may carry tests; see `evals.measure.passing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any


@dataclass(frozen=True, slots=True)
class CaseTests:
    """`files` are (path, content); "python" as the first word of `command` is the running interpreter."""

    files: tuple[tuple[str, str], ...]
    command: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, _ in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"a test file must lie beside the edited file, not at {name!r}")
        if not self.command:
            raise ValueError("tests need a command")


def tests_from_json(record: dict[str, Any]) -> CaseTests:
    """Tests from a JSON object. Raises KeyError and ValueError for one that is malformed."""
    return CaseTests(tuple(sorted(record["files"].items())), tuple(record["command"]))
