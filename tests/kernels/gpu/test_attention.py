"""Attention over the paged cache: every split, tile, page size and page order gives the reference's bits."""

from __future__ import annotations

import pytest
import torch

from kernels.gpu.tiles import AttentionTile
from tests.kernels import torch_reference as reference
from tests.kernels.gpu.helpers import Sequence, generator, paged_attention, random_sequence


def expected(sequences: list[Sequence]) -> tuple[torch.Tensor, torch.Tensor]:
    outputs = [
        reference.attention(s.q, s.sq, s.k, s.sk, s.v, s.sv, s.positions).flatten(1) for s in sequences
    ]
    return reference.quantize_rows(torch.cat(outputs))


def assert_same(got: tuple[torch.Tensor, torch.Tensor], want: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert torch.equal(got[0], want[0])
    assert torch.equal(got[1], want[1])


@pytest.mark.parametrize(("heads", "kv_heads", "dim"), [(6, 2, 16), (3, 1, 64), (4, 4, 32), (4, 2, 80)])
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 33), (7, 40)])
def test_matches_reference(queries: int, keys: int, heads: int, kv_heads: int, dim: int) -> None:
    sequences = [random_sequence(generator(queries + keys), queries, keys, heads, kv_heads, dim)]
    assert_same(paged_attention(sequences, page=32), expected(sequences))


@pytest.mark.parametrize("splits", [2, 5])
def test_any_number_of_splits(splits: int) -> None:
    g = generator(11)
    sequences = [random_sequence(g, n, keys, 6, 2, 16) for n, keys in [(1, 70), (5, 130), (20, 20)]]
    assert_same(paged_attention(sequences, page=32, splits=splits), expected(sequences))


@pytest.mark.parametrize(
    ("page", "tile"), [(64, (16, 64)), (64, (32, 32)), (128, (64, 64)), (128, (16, 128))]
)
def test_any_page_tile_and_page_order(page: int, tile: tuple[int, int]) -> None:
    g = generator(5)
    sequences = [random_sequence(g, n, keys, 6, 2, 16) for n, keys in [(30, 70), (1, 1), (3, 129)]]
    want = expected(sequences)
    for order in range(2):
        got = paged_attention(
            sequences, page=page, tile=AttentionTile(*tile, 4, 2), page_order=order, waste_tiles=order
        )
        assert_same(got, want)


def test_each_sequence_alone_gives_its_rows_of_the_batch() -> None:
    g = generator(3)
    sequences = [random_sequence(g, n, keys, 3, 1, 32) for n, keys in [(4, 9), (1, 50), (12, 44)]]
    together = paged_attention(sequences, page=32)
    alone = [paged_attention([s], page=32) for s in sequences]
    assert_same(together, (torch.cat([q for q, _ in alone]), torch.cat([s for _, s in alone])))


def test_values_of_scale_zero_give_zeros() -> None:
    sequence = random_sequence(generator(1), 3, 20, 2, 1, 16)
    sequence.sv.zero_()
    sequence.v.zero_()
    q, s = paged_attention([sequence], page=32)
    assert not q.any()
    assert not s.any()


def test_one_heads_share_is_its_part_of_the_whole() -> None:
    """Head-parallel serving in three: each shard's heads alone give the same head outputs before Q8."""
    whole = random_sequence(generator(9), 5, 37, 9, 3, 16)
    want = reference.attention(whole.q, whole.sq, whole.k, whole.sk, whole.v, whole.sv, whole.positions)
    for shard in range(3):
        heads, kv = slice(3 * shard, 3 * shard + 3), slice(shard, shard + 1)
        part = Sequence(
            whole.q[:, heads], whole.sq[:, heads],
            whole.k[:, kv], whole.sk[:, kv], whole.v[:, kv], whole.sv[:, kv],
        )  # fmt: skip
        assert_same(paged_attention([part], page=32), reference.quantize_rows(want[:, heads].flatten(1)))


def test_negative_control_an_online_softmax_in_float_differs_between_splits() -> None:
    """Summing exponentials in float32, as flash attention does, depends on the split: exactness can fail."""
    g = generator(2)
    scores = torch.randn(64, 512, generator=g)
    weights = torch.exp2(scores - scores.amax(dim=1, keepdim=True))
    sums = {
        splits: sum(part.sum(dim=1) for part in weights.chunk(splits, dim=1)) for splits in (1, 2, 3, 5, 8)
    }
    assert any(not torch.equal(sums[1], sums[splits]) for splits in (2, 3, 5, 8))
