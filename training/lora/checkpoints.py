"""Checkpoints in shards of at most 16 MiB, whole or absent, from which a run goes on at the same step."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

SHARD_BYTES = 16 << 20
INDEX = "index.json"


class CheckpointDamaged(ValueError):
    """A shard is missing or is not the one that was written."""


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Writes `state` (tensors, numbers, nested dictionaries) as shards in place of an older checkpoint."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    fresh = folder.with_name(folder.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write_shards(fresh, buffer.getbuffer())
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state, on the CPU; None where there is no checkpoint. Raises CheckpointDamaged."""
    if not (folder / INDEX).exists():
        return None
    return torch.load(io.BytesIO(read_shards(folder)), map_location="cpu", weights_only=True)


def write_shards(folder: Path, content: bytes | memoryview) -> None:
    """`part-000`, `part-001`, … and an index with their hashes."""
    names = []
    for number, start in enumerate(range(0, len(content), SHARD_BYTES)):
        part = bytes(content[start : start + SHARD_BYTES])
        name = f"part-{number:03d}"
        (folder / name).write_bytes(part)
        names.append({"name": name, "sha256": hashlib.sha256(part).hexdigest()})
    (folder / INDEX).write_text(json.dumps({"parts": names}, indent=1) + "\n")


def read_shards(folder: Path) -> bytes:
    """What `write_shards` was given. Raises CheckpointDamaged."""
    index = json.loads((folder / INDEX).read_text())
    parts = []
    for entry in index["parts"]:
        try:
            part = (folder / entry["name"]).read_bytes()
        except FileNotFoundError as error:
            raise CheckpointDamaged(f"{folder}: {entry['name']} is missing") from error
        if hashlib.sha256(part).hexdigest() != entry["sha256"]:
            raise CheckpointDamaged(f"{folder}: {entry['name']} is not what was written")
        parts.append(part)
    return b"".join(parts)
