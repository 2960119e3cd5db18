"""Chains: edits that build on one another, each with the whole file expected after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from applier.types import EditFormat


@dataclass(frozen=True, slots=True)
class Step:
    """One edit of the file that the step before it left, and the file it must leave."""

    format: EditFormat
    edit: bytes
    expected: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """A file and its edits in order."""

    id: str
    language: str
    path: str
    start: bytes
    steps: tuple[Step, ...]


def load_chains() -> list[Chain]:
    """The chains that come with the package."""
    records = json.loads((resources.files("evals.cases") / "chains.json").read_text(encoding="utf-8"))
    return [
        Chain(
            id=record["id"],
            language=record["language"],
            path=record["path"],
            start=record["start"].encode(),
            steps=tuple(
                Step(EditFormat(s["format"]), s["edit"].encode(), s["expected"].encode())
                for s in record["steps"]
            ),
        )
        for record in records
    ]
