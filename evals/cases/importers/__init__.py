"""Importers of public shapes, so that a folder of somebody else's cases runs with one command."""

from __future__ import annotations

from pathlib import Path

from evals.cases.case import Case
from evals.cases.importers import scenarios, triples

SHAPES = (
    "before/snippet/after triples (folders, or .jsonl with original_code, update_snippet, final_code)",
    "V4A scenarios (input/, patch.txt, expected/)",
    "aider-style replies (before/, reply.md with SEARCH/REPLACE blocks, after/)",
)


def load_folder(folder: Path) -> list[Case]:
    """Cases of every shape found in the folder, with ids from their place in it, in a fixed order.

    Raises ValueError where there are none.
    """
    cases = [*triples.load(folder), *scenarios.load(folder)]
    if not cases:
        known = "; ".join(SHAPES)
        raise ValueError(f"no cases found in {folder}. Known shapes: {known}")
    return sorted(cases, key=lambda case: case.id)
