"""Compressed shards of samples: what travels to the machine that trains."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

PRESET = 2  # of lzma: answers repeat their windows, which any setting finds


class ShardError(ValueError):
    """A shard that is not whole, or was made for another vocabulary."""


@dataclass(frozen=True, slots=True)
class Sample:
    """ids: prompt then answer; `prompt_length` ids are given, the rest is learned.

    `decisions` are indices into `ids` of the first tokens of lines where copying the window's next line would
    be wrong: there the model decides, elsewhere it copies.
    """

    ids: list[int]
    prompt_length: int
    decisions: list[int]


@dataclass(frozen=True, slots=True)
class Samples:
    """Many samples end to end.

    ids uint16 [T]; lengths and prompt_lengths int32 [n]; decisions int32 [m], indices within their samples,
    decision_counts int32 [n].
    """

    ids: np.ndarray
    lengths: np.ndarray
    prompt_lengths: np.ndarray
    decisions: np.ndarray
    decision_counts: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @staticmethod
    def of(samples: Sequence[Sample]) -> Samples:
        """Raises ShardError for ids beyond 16 bits."""
        ids = [id_ for sample in samples for id_ in sample.ids]
        if ids and max(ids) >= 1 << 16:
            raise ShardError("a vocabulary of more than 65,536 tokens does not fit a shard's 16-bit ids")
        return Samples(
            np.array(ids, dtype=np.uint16),
            np.array([len(sample.ids) for sample in samples], dtype=np.int32),
            np.array([sample.prompt_length for sample in samples], dtype=np.int32),
            np.array([at for sample in samples for at in sample.decisions], dtype=np.int32),
            np.array([len(sample.decisions) for sample in samples], dtype=np.int32),
        )

    @staticmethod
    def join(parts: Iterable[Samples]) -> Samples:
        """The samples of all parts, in order."""
        rows = list(parts)
        names = Samples.__dataclass_fields__
        return Samples(*(np.concatenate([getattr(row, name) for row in rows]) for name in names))


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes one compressed file whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(lzma.compress(save(arrays), preset=PRESET))
    os.replace(partial, path)


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays of such names. Raises ShardError for a damaged file, or one that lacks some."""
    try:
        arrays = load(lzma.decompress(path.read_bytes()))
        return {name: arrays[name] for name in names}
    except (lzma.LZMAError, KeyError, ValueError) as error:
        raise ShardError(f"{path}: {error}") from error


def write_shard(path: Path, samples: Samples) -> None:
    """Writes one shard whole or not at all."""
    write_arrays(path, {name: getattr(samples, name) for name in Samples.__dataclass_fields__})


def read_shard(path: Path) -> Samples:
    """Raises ShardError for a damaged file."""
    samples = Samples(**read_arrays(path, Samples.__dataclass_fields__))
    if int(samples.lengths.sum()) != len(samples.ids):
        raise ShardError(f"{path}: the lengths do not add up to the ids")
    return samples


def read_folder(folder: Path) -> Samples:
    """All shards of a folder in the order of their names. Raises ShardError when there is none."""
    paths = sorted(folder.glob("*.xz"))
    if not paths:
        raise ShardError(f"{folder} has no shard; run `samebytes train tokenize` first")
    return Samples.join(read_shard(path) for path in paths)


def digest_of(settings: dict[str, object]) -> str:
    """A short name of the settings a shard was made with."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
