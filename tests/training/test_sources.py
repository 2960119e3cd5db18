"""No repository is on two sides, and what evals hold out is never trained on."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = tomllib.loads((ROOT / "training/manifests/sources.toml").read_text("utf-8"))


def test_the_sides_are_disjoint() -> None:
    names = [name.lower() for side in ("train", "validation", "heldout") for name in SOURCES[side]]
    assert len(names) == len(set(names))


def test_what_evals_hold_out_is_held_out_here() -> None:
    cases = tomllib.loads((ROOT / "evals/cases/heldout.toml").read_text("utf-8"))
    assert {entry["name"] for entry in cases["repository"]} <= set(SOURCES["heldout"])


@pytest.mark.parametrize("side", ["train", "validation", "heldout"])
def test_the_manifest_names_a_commit_of_every_repository(side: str) -> None:
    entries = json.loads((ROOT / f"training/manifests/{side}.json").read_text("utf-8"))
    assert [entry["repository"] for entry in entries] == SOURCES[side]
    assert all(
        len(entry["head"]) == 40 and entry["pairs"] == sum(entry["languages"].values()) for entry in entries
    )
