"""Packs of groups: right merges as `samples.packs` packs samples, and the choices against their rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from applier.merge.confidence import HeadStart
from training.config import FitConfig
from training.reward.groups import Groups
from training.samples.packs import Pack, Packer


@dataclass(frozen=True, slots=True)
class GroupPack(Pack):
    """A pack of G right merges with m rivals at p places.

    rows int64 [m]: the position before the choice; wanted and rivals int64 [m]: both tokens; starts float32
    [m]: the head start of the right one, below 0 where the rival has it; reading bool [m]; places int64 [m],
    place_groups int64 [p] and rival_groups int64 [m]: as `objective` takes them.
    """

    rows: Tensor
    wanted: Tensor
    rivals: Tensor
    starts: Tensor
    reading: Tensor
    places: Tensor
    place_groups: Tensor
    rival_groups: Tensor


class GroupPacker(Packer):
    """`Packer` over the right merges of groups."""

    def __init__(self, groups: Groups, config: FitConfig, head_start: HeadStart) -> None:
        super().__init__(
            groups.samples, config.pack_tokens, config.pack_slots, config.head_chunk, config.decision_weight
        )
        self.groups = groups
        self._rival_starts = np.concatenate([[0], np.cumsum(groups.rival_counts, dtype=np.int64)])
        self._head_starts = np.array([head_start.of(int(odds)) for odds in groups.odds], dtype=np.float32)

    def build(self, members: Sequence[int]) -> GroupPack:
        """The tensors of one pack."""
        groups, pack = self.groups, super().build(members)
        which = [np.arange(self._rival_starts[i], self._rival_starts[i + 1]) for i in members]
        rival = np.concatenate(which)
        slot = np.repeat(np.arange(len(members)), [len(part) for part in which])
        begin = np.cumsum([0, *groups.samples.lengths[list(members)][:-1]])
        rows = (begin[slot] + groups.at[rival] - 1).astype(np.int64)
        at, places = np.unique(rows, return_inverse=True)
        group_of = np.zeros(len(at), dtype=np.int64)
        group_of[places] = slot
        starts = self._head_starts[list(members)][slot] * groups.toward[rival]
        tensors = {field.name: getattr(pack, field.name) for field in fields(pack)}
        return GroupPack(
            **tensors,
            rows=torch.from_numpy(rows),
            wanted=pack.ids[torch.from_numpy(rows + 1)],
            rivals=torch.from_numpy(groups.tokens[rival].astype(np.int64)),
            starts=torch.from_numpy(starts.astype(np.float32)),
            reading=torch.from_numpy(groups.reading[rival]),
            places=torch.from_numpy(places.astype(np.int64)),
            place_groups=torch.from_numpy(group_of),
            rival_groups=torch.from_numpy(slot.astype(np.int64)),
        )
