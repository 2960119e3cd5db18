"""Packs: every sample once, whole, and no part of a pack outside of a sample that attention covers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.training.toy import toy_samples
from training.samples.packs import Packer
from training.samples.shards import Sample, Samples, read_folder, read_shard, write_shard


def random_samples(seed: int, count: int) -> Samples:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        size = int(rng.integers(3, 60))
        given_ids = int(rng.integers(1, size - 1))
        decisions = sorted({int(x) for x in rng.integers(given_ids, size, 2)})
        made.append(Sample(rng.integers(1, 90, size).tolist(), given_ids, decisions))
    return Samples.of(made)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_packs_hold_every_sample_once_and_cover_their_padding(seed: int, count: int) -> None:
    samples = random_samples(seed, count)
    packer = Packer(samples, length=64, slots=4, chunk=16, decision_weight=5.0)
    packer._longest = 24 if samples.lengths.max() <= 24 else 60  # shorter than the padding can be
    packs = packer.epoch(seed)
    assert sorted(member for members in packs for member in members) == list(range(count))
    starts = np.concatenate([[0], np.cumsum(samples.lengths)])
    for members in packs:
        pack = packer.build(members)
        edges = pack.cu_seqlens.tolist()
        assert edges[0] == 0
        assert edges[-1] == 64
        assert all(0 <= b - a <= pack.longest for a, b in pairwise(edges))
        for slot, member in enumerate(members):
            whole = samples.ids[starts[member] : starts[member + 1]].tolist()
            assert pack.ids[edges[slot] : edges[slot + 1]].tolist() == whole
            mine = pack.owners == slot
            assert pack.targets[mine].tolist() == whole[samples.prompt_lengths[member] :]
            heavy = (pack.weights[mine] == 5.0).nonzero()[:, 0] + int(samples.prompt_lengths[member])
            first = int(samples.decision_counts[:member].sum())
            assert (
                heavy.tolist() == samples.decisions[first : first + samples.decision_counts[member]].tolist()
            )
        assert len(pack.sources) % 16 == 0
        assert float(pack.weights[pack.owners < 0].sum()) == 0.0


def test_workers_share_an_epoch_and_a_resumed_stream_goes_on(tmp_path: Path) -> None:
    packer = Packer(read_folder(toy_samples(tmp_path / "s")), length=64, slots=4, chunk=16)
    total = len(packer.epoch(3)) // 2 * 2
    seen = [next(stream).members for stream in (packer.stream(3, 0, 2), packer.stream(3, 1, 2))]
    assert seen[0] != seen[1]
    stream = packer.stream(3, 0, 2)
    first = [next(stream).members for _ in range(total // 2)]
    resumed = packer.stream(3, 0, 2, skip=2)
    assert next(resumed).members == first[2]


def test_a_shard_reads_back_what_was_written(tmp_path: Path) -> None:
    samples = random_samples(1, 9)
    write_shard(tmp_path / "a.xz", samples)
    found = read_shard(tmp_path / "a.xz")
    for name in Samples.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(samples, name))
