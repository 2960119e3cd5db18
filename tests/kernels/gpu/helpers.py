"""Random operands, poisoned outputs and page layouts shared by the kernel tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kernels.gpu.attention import attention
from kernels.gpu.batch import Batch, row_tiles
from kernels.gpu.combine import Sums, combine_quantize
from kernels.gpu.key_order import key_row
from kernels.gpu.tiles import AttentionTile
from tests.kernels.gpu.conftest import DEVICE


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def int8(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randint(-127, 128, shape, dtype=torch.int8, generator=g)


def scales(g: torch.Generator, *shape: int) -> Tensor:
    return (torch.rand(*shape, generator=g) + 0.05) / 64


def poisoned(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Values no kernel writes: NaN, or a pattern outside the quantiser's range."""
    value = float("nan") if dtype.is_floating_point else -128
    return torch.full(shape, value, dtype=dtype, device=DEVICE)


@dataclass
class Sequence:
    """One sequence's keys and values, and the queries that end it."""

    q: Tensor
    sq: Tensor
    k: Tensor
    sk: Tensor
    v: Tensor
    sv: Tensor

    @property
    def positions(self) -> Tensor:
        return torch.arange(len(self.k) - len(self.q), len(self.k))


def random_sequence(
    g: torch.Generator, queries: int, keys: int, heads: int, kv_heads: int, dim: int
) -> Sequence:
    return Sequence(
        int8(g, queries, heads, dim), scales(g, queries, heads),
        int8(g, keys, kv_heads, dim), scales(g, keys, kv_heads),
        int8(g, keys, kv_heads, dim),
        scales(g, keys, kv_heads) * torch.randint(1, 40, (keys, 1), generator=g),
    )  # fmt: skip


def paged_attention(
    sequences: list[Sequence],
    *,
    page: int,
    splits: int = 1,
    tile: AttentionTile | None = None,
    page_order: int = 0,
    waste_tiles: int = 0,
) -> tuple[Tensor, Tensor]:
    """Attention of all sequences in one launch over shuffled pages whose unused places hold poison."""
    _, heads, dim = sequences[0].q.shape
    kv_heads = sequences[0].k.shape[1]
    counts = [-(-len(s.k) // page) for s in sequences]
    total = sum(counts)
    order = torch.randperm(total, generator=generator(page_order)).tolist()
    k = poisoned(total, kv_heads, page, dim, dtype=torch.int8).cpu()
    v = poisoned(total, kv_heads, dim, page, dtype=torch.int8).cpu()
    sk, sv = poisoned(total, kv_heads, page).cpu(), poisoned(total, kv_heads, page).cpu()
    table = torch.zeros(len(sequences), max(counts), dtype=torch.int32)
    for row, sequence in enumerate(sequences):
        for block in range(counts[row]):
            at = order.pop()
            table[row, block] = at
            keys = slice(block * page, min(len(sequence.k), (block + 1) * page))
            n = keys.stop - keys.start
            k[at][:, key_row(torch.arange(n))] = sequence.k[keys].transpose(0, 1)
            v[at, :, :, :n] = sequence.v[keys].permute(1, 2, 0)
            sk[at, :, :n] = sequence.sk[keys].T
            sv[at, :, :n] = sequence.sv[keys].T
    lengths = [len(s.q) for s in sequences]
    tile = tile or AttentionTile(16, 32, 4, 2)
    tiles = row_tiles(lengths, heads // kv_heads, tile.rows)
    tiles = np.concatenate([tiles, np.full((2, waste_tiles), -1)], axis=1)

    def ints(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=torch.int32).to(DEVICE)

    starts = np.cumsum([0, *lengths[:-1]])
    pasts = [len(s.k) - len(s.q) for s in sequences]
    batch = Batch(ints(tiles[0]), ints(tiles[1]), ints(starts), ints(lengths), ints(pasts), ints(table))
    q = torch.cat([s.q for s in sequences]).to(DEVICE)
    sq = torch.cat([s.sq for s in sequences]).to(DEVICE)
    tokens = len(q)
    sums = Sums.allocate(splits, tokens, heads, dim, q.device)
    for part in (sums.output, sums.low, sums.total, sums.maxima, sums.value_scales):
        if part is not None:
            part.fill_(float("nan") if part.is_floating_point() else -(2**30))
    out_q, out_s = poisoned(tokens, heads * dim, dtype=torch.int8), poisoned(tokens)
    pages = [x.to(DEVICE) for x in (k, sk, v, sv)]
    attention(q, sq, *pages, batch, sums, tile=tile)
    combine_quantize(sums, out_q, out_s, heads)
    return out_q.cpu(), out_s.cpu()
