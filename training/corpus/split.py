"""Holds out a share of the mined edits, whole files at a time, so that no held-out file was trained on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from training.corpus.mine import load_pairs

SHARE = 20  # one file in so many


def is_held_out(repository: str, path: str) -> bool:
    """A function of the name alone."""
    digest = hashlib.sha256(f"{repository} {path}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % SHARE == 0


def hold_out(train: Path, validation: Path) -> None:
    """Moves the held-out files' pairs from the indices in `train` to indices in `validation`."""
    validation.mkdir(parents=True, exist_ok=True)
    for index in sorted(train.glob("*.jsonl")):
        target = validation / index.name
        if target.exists():
            continue
        lines = index.read_text("utf-8").splitlines(keepends=True)
        pairs = load_pairs(index)
        held = [is_held_out(pair.repository, pair.path) for pair in pairs]
        if not any(held) and pairs:  # a small repository: one file all the same
            held = [pair.path == pairs[-1].path for pair in pairs]
        for path, wanted in ((target, True), (index, False)):
            partial = path.with_suffix(".partial")
            partial.write_text("".join(x for x, h in zip(lines, held, strict=True) if h is wanted), "utf-8")
            os.replace(partial, path)
