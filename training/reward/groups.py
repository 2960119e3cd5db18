"""A group: the right merge of one edit, and where each wrong one leaves it.

Decoding is greedy and held to known lines, so what decides between two merges is one choice: the first token
at which they differ, after the same beginning. A wrong merge is therefore kept as that place and its token
there, and one forward pass over the right merge weighs all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from training.samples.shards import Sample, Samples, ShardError, read_arrays, write_arrays

SUFFIX = ".groups.xz"
OF_SAMPLES = "samples."  # begins the names of their arrays


@dataclass(frozen=True, slots=True)
class Rival:
    """A wrong merge leaves the right one at index `at` of its ids, with `token`.

    `toward` says whose token the alignment's proposal has there: 1 the right one's, -1 the wrong one's, 0
    neither's. `reading` tells an alignment's reading from a slip.
    """

    at: int
    token: int
    toward: int
    reading: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One edit. `odds` are those of the alignment's proposal, in thousandths; `right` is whether it is."""

    sample: Sample
    rivals: list[Rival]
    odds: int
    right: bool


@dataclass(frozen=True, slots=True)
class Groups:
    """Many groups end to end.

    rival_counts int32 [n]; at int32, tokens uint16, toward int8, reading bool [m]; odds int32 and right bool
    [n].
    """

    samples: Samples
    rival_counts: np.ndarray
    at: np.ndarray
    tokens: np.ndarray
    toward: np.ndarray
    reading: np.ndarray
    odds: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.rival_counts)

    @staticmethod
    def of(groups: Sequence[Group]) -> Groups:
        """Raises ShardError for ids beyond 16 bits."""
        rivals = [rival for group in groups for rival in group.rivals]
        return Groups(
            Samples.of([group.sample for group in groups]),
            np.array([len(group.rivals) for group in groups], dtype=np.int32),
            np.array([rival.at for rival in rivals], dtype=np.int32),
            np.array([rival.token for rival in rivals], dtype=np.uint16),
            np.array([rival.toward for rival in rivals], dtype=np.int8),
            np.array([rival.reading for rival in rivals], dtype=np.bool_),
            np.array([group.odds for group in groups], dtype=np.int32),
            np.array([group.right for group in groups], dtype=np.bool_),
        )

    @staticmethod
    def join(parts: Iterable[Groups]) -> Groups:
        """The groups of all parts, in order."""
        rows = list(parts)
        samples = Samples.join(row.samples for row in rows)
        return Groups(samples, *(np.concatenate([getattr(row, name) for row in rows]) for name in _ARRAYS))


_ARRAYS = [field.name for field in fields(Groups) if field.name != "samples"]
_SAMPLES = [field.name for field in fields(Samples)]


def write_groups(path: Path, groups: Groups) -> None:
    """Writes one shard whole or not at all."""
    arrays = {name: getattr(groups, name) for name in _ARRAYS}
    write_arrays(path, arrays | {OF_SAMPLES + name: getattr(groups.samples, name) for name in _SAMPLES})


def read_groups(path: Path) -> Groups:
    """Raises ShardError for a damaged file."""
    arrays = read_arrays(path, [*_ARRAYS, *(OF_SAMPLES + name for name in _SAMPLES)])
    samples = Samples(**{name: arrays.pop(OF_SAMPLES + name) for name in _SAMPLES})
    return Groups(samples, **arrays)


def read_group_folder(folder: Path) -> Groups:
    """All shards of a folder in the order of their names. Raises ShardError when there is none."""
    paths = sorted(folder.glob("*" + SUFFIX))
    if not paths:
        raise ShardError(f"{folder} has no groups; run `samebytes train rivals` first")
    return Groups.join(read_groups(path) for path in paths)
