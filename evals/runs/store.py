"""Samples on disk: one JSON object a line, appended as they come, so that a run can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel


class RunMismatch(Exception):
    """The folder holds samples of a run with another configuration."""


class SampleStore:
    """The samples of one run in `folder/samples.jsonl`, keyed by the field `key`.

    A half-written last line, left by a run that was killed, is dropped and its sample is taken again. Opening
    a folder whose `run.json` says another configuration raises RunMismatch: samples of two runs are never
    mixed.
    """

    def __init__(self, folder: Path, config: BaseModel, identity: dict[str, Any]) -> None:
        self.folder = folder
        self.path = folder / "samples.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._check_configuration(config, identity)
        self.samples: dict[str, dict[str, Any]] = {}
        for sample in self._read():
            self.samples[sample["key"]] = sample
        self._file: TextIO | None = None

    def _check_configuration(self, config: BaseModel, identity: dict[str, Any]) -> None:
        # Where the output goes and how many workers make it do not change what the samples are.
        settings = config.model_dump(mode="json", exclude={"out", "workers"})
        description: dict[str, Any] = {"config": settings, "identity": identity}
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
        run_file = self.folder / "run.json"
        if run_file.exists():
            recorded = json.loads(run_file.read_text(encoding="utf-8"))
            if recorded["sha256"] != digest:
                raise RunMismatch(
                    f"{self.folder} holds a run with another configuration or other cases; "
                    "name another folder, or remove this one to start over"
                )
        else:
            description["sha256"] = digest
            run_file.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(self.path, whole)
        for line in data[:whole].splitlines():
            yield json.loads(line)

    def missing(self, keys: list[str]) -> list[str]:
        """Those of `keys` that have no sample yet, in their order."""
        return [key for key in keys if key not in self.samples]

    def add(self, sample: dict[str, Any]) -> None:
        """Append one sample and flush it."""
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", newline="\n")
        self._file.write(json.dumps(sample, sort_keys=True) + "\n")
        self._file.flush()
        self.samples[sample["key"]] = sample

    def close(self) -> None:
        """Close the file; the store can still be read."""
        if self._file is not None:
            self._file.close()
            self._file = None
