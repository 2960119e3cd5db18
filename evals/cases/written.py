"""The cases written for this project: every category, many languages, endings and encodings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import IO, cast

from evals.cases.case import Case, case_from_json, case_to_json


def load_jsonl(text: str, origin: str, trusted: bool = False) -> Iterator[Case]:
    """Cases of a JSONL text, with tests only where it is `trusted`.

    Raises ValueError naming the origin and line of a record that is not a case.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield case_from_json(json.loads(line), trusted)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{origin}, line {number}: not a case: {error!r}") from error


def load_file(path: Path) -> list[Case]:
    """Cases of a JSONL file on disk, compressed where its name ends in .gz."""
    with _open(path, "rt") as file:
        return list(load_jsonl(file.read(), str(path)))


def save_file(cases: Iterable[Case], path: Path) -> None:
    """Write cases for `load_file`."""
    with _open(path, "wt") as file:
        file.writelines(json.dumps(case_to_json(case)) + "\n" for case in cases)


def _open(path: Path, mode: str) -> IO[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    return cast(IO[str], opener(path, mode, encoding="utf-8"))


def load_written() -> list[Case]:
    """All cases that come with the package, in a fixed order."""
    cases: list[Case] = []
    folder = resources.files("evals.cases") / "data"
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".jsonl"):
            cases += load_jsonl(entry.read_text(encoding="utf-8"), entry.name, trusted=True)
    return cases
