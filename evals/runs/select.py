"""Choose the cases of a run: by name, from a file, or from a folder in a public shape; limited by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from evals.cases import Case, Category, heldout, importers, written

HELD_OUT = ("heldout", "habits")


def load_cases(source: str, repos: Sequence[Path] = (), manifest: str = "heldout") -> list[Case]:
    """Cases of `source`: "written", "heldout", "habits", a JSONL file, or a folder that an importer knows.

    `repos` are the folders of the clones of the repositories in `manifest`. Raises ValueError where the
    source is none of these, and GitError where a clone is missing.
    """
    if source == "written":
        return written.load_written()
    if source in HELD_OUT:
        if not repos:
            raise ValueError("held-out cases are mined from local clones: name their folder with --repos")
        repositories = heldout.load_manifest(manifest)
        return list(heldout.load_heldout(list(repos), repositories, habits=source == "habits"))
    path = Path(source)
    if path.is_file():
        return written.load_file(path)
    if path.is_dir():
        return importers.load_folder(path)
    raise ValueError(
        f"no cases at {source!r}: give 'written', 'heldout', 'habits', a .jsonl file or a folder of cases"
    )


def _rank(case: Case, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{case.id}".encode()).hexdigest()


def limit_cases(
    cases: Iterable[Case], limit: int | None, seed: int, categories: Iterable[Category] | None = None
) -> list[Case]:
    """At most `limit` cases, chosen by a hash of seed and id: the choice does not depend on the order of the
    cases.

    Raises ValueError where two cases have one id.
    """
    wanted = set(categories) if categories else None
    chosen = sorted(
        (case for case in cases if wanted is None or case.category in wanted),
        key=lambda case: _rank(case, seed),
    )
    if len({case.id for case in chosen}) != len(chosen):
        raise ValueError("two cases have the same id")
    return sorted(chosen[:limit], key=lambda case: case.id)
