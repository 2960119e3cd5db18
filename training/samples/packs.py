"""Packs samples into rows of one fixed length, so that every step has the same shapes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from training.samples.shards import Samples

POOL = 768  # samples packed together: enough to fill packs to about 99 %


@dataclass(frozen=True, slots=True)
class Pack:
    """T tokens of whole samples, then padding.

    ids, positions int64 [T]; cu_seqlens int32 [S + 1], padded with T; sources int64 [n]: the positions whose
    next token is learned, targets int64 [n], weights float32 [n], owners int64 [n]: the sample of a target.
    n is padded to a multiple of the head's chunk with weight 0 and owner −1. members: the samples' numbers.
    longest: no sample of the whole set is longer.
    """

    ids: Tensor
    positions: Tensor
    cu_seqlens: Tensor
    sources: Tensor
    targets: Tensor
    weights: Tensor
    owners: Tensor
    members: tuple[int, ...]
    longest: int

    def to(self, device: torch.device) -> Self:
        """The same pack on another device."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        moved: dict[str, Any] = {name: x.to(device, non_blocking=True) for name, x in tensors.items()}
        return replace(self, **moved)


class Packer:
    """Cuts `samples` into packs of `length` tokens with up to `slots` samples each."""

    def __init__(
        self, samples: Samples, length: int, slots: int, chunk: int, decision_weight: float = 1.0
    ) -> None:
        self._samples = samples
        self.members: Sequence[int] = range(len(samples))  # that an epoch goes through
        self._length, self._slots, self._chunk = length, slots, chunk
        self._weight = decision_weight
        self._longest = -(-int(samples.lengths.max()) // 1024) * 1024
        self._starts = np.concatenate([[0], np.cumsum(samples.lengths, dtype=np.int64)])
        self._decision_starts = np.concatenate([[0], np.cumsum(samples.decision_counts, dtype=np.int64)])

    def epoch(self, seed: int) -> list[list[int]]:
        """One pass over all samples that fit, in an order drawn by `seed`, as lists of members per pack."""
        order = [i for i in self.members if self._samples.lengths[i] <= self._length]
        rng = random.Random(seed)
        rng.shuffle(order)
        packs = []
        for start in range(0, len(order), POOL):
            packs += self._fill(order[start : start + POOL])
        rng.shuffle(packs)
        return packs

    def _fill(self, members: Sequence[int]) -> list[list[int]]:
        """First fit, longest first."""
        lengths = self._samples.lengths
        open_packs: list[tuple[int, list[int]]] = []
        for member in sorted(members, key=lambda i: (-lengths[i], i)):
            size = int(lengths[member])
            for index, (used, inside) in enumerate(open_packs):
                if used + size <= self._length and len(inside) < self._slots:
                    inside.append(member)
                    open_packs[index] = (used + size, inside)
                    break
            else:
                open_packs.append((size, [member]))
        return [inside for _, inside in open_packs]

    def build(self, members: Sequence[int]) -> Pack:
        """The tensors of one pack."""
        samples = self._samples
        ids = np.zeros(self._length, dtype=np.int64)
        positions = np.zeros(self._length, dtype=np.int64)
        edges = np.full(self._slots + self._length // self._longest + 2, self._length, dtype=np.int32)
        sources, weights, owners = [], [], []
        at = 0
        for slot, member in enumerate(members):
            size, given = int(samples.lengths[member]), int(samples.prompt_lengths[member])
            ids[at : at + size] = samples.ids[self._starts[member] : self._starts[member] + size]
            positions[at : at + size] = np.arange(size)
            edges[slot] = at
            weight = np.ones(size - given, dtype=np.float32)
            first, last = self._decision_starts[member], self._decision_starts[member + 1]
            weight[samples.decisions[first:last] - given] = self._weight
            sources.append(np.arange(at + given - 1, at + size - 1))
            weights.append(weight)
            owners.append(np.full(size - given, slot))
            at += size
        # Padding is cut into samples too: attention leaves what is beyond `longest` unwritten, and NaN there
        # would reach every weight through its gradient, zero though the loss is.
        padding = np.arange(at, self._length, self._longest)
        edges[len(members) : len(members) + len(padding)] = padding
        source, weight, owner = (np.concatenate(parts) for parts in (sources, weights, owners))
        target = ids[source + 1]
        extra = -len(source) % self._chunk
        return Pack(
            torch.from_numpy(ids),
            torch.from_numpy(positions),
            torch.from_numpy(edges),
            torch.from_numpy(np.pad(source, (0, extra))),
            torch.from_numpy(np.pad(target, (0, extra))),
            torch.from_numpy(np.pad(weight, (0, extra))),
            torch.from_numpy(np.pad(owner, (0, extra), constant_values=-1)),
            tuple(members),
            self._longest,
        )

    def stream(self, seed: int, rank: int, world: int, skip: int = 0) -> Iterator[Pack]:
        """Endless packs for one of `world` workers: epoch after epoch, without the first `skip`."""
        epoch = 0
        while True:
            packs = self.epoch(seed + epoch)
            usable = packs[: len(packs) // world * world] or packs * world
            for members in usable[rank::world]:
                if skip:
                    skip -= 1
                    continue
                yield self.build(members)
            epoch += 1
