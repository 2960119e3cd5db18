"""Each kernel against its plain reference, on odd shapes and extreme rows, with poisoned outputs."""

from __future__ import annotations

import math

import pytest
import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu import arithmetic
from kernels.gpu.embedding import embedding
from kernels.gpu.key_order import key_row
from kernels.gpu.linear import linear, linear_argmax
from kernels.gpu.mlp import gate_up
from kernels.gpu.norm import quantize_rows, quantize_with_max, rms_norm_quantize
from kernels.gpu.qkv import project_qkv
from kernels.gpu.rope import rope_quantize
from kernels.gpu.tiles import Tile
from tests.kernels import torch_reference as reference
from tests.kernels.gpu.conftest import DEVICE
from tests.kernels.gpu.helpers import generator, int8, poisoned, scales
from tests.kernels.torch_reference import rope_tables

SMALL = Tile(16, 16, 32, 2, 2)


def extreme_rows(width: int) -> Tensor:
    """Rows of every magnitude: ordinary, huge, tiny, below each threshold, zeros, one large value, ties."""
    g = generator(width)
    rows = torch.randn(8, width, generator=g)
    rows *= torch.tensor([1.0, 1e12, 1e-7, 1e-10, 2.0**-101, 0.0, 1.0, 1.0])[:, None]
    rows[6, 0] = 1e6
    rows[7] = torch.arange(width) - width // 2 + 0.5  # many values half way between two integers
    return rows


@triton.jit
def _attention_exp2(d_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m, t = tl.zeros((BLOCK,), tl.float32), tl.load(d_ptr + i) * 0.03125
    tl.store(out_ptr + i, arithmetic.exp2_of_32nds(arithmetic.saturated_difference(m, t)))


def test_exp2_of_attention() -> None:
    """The contract's bits down to -24; too little for a weight below; 1 for a score above the maximum."""
    steps = -torch.arange(25).repeat(3, 1) + torch.tensor([0.0, 2.0**-20, -(2.0**-20)])[:, None]
    tiny = -torch.logspace(-44, 0, 1949)
    d = torch.cat(
        (steps.flatten(), tiny, -25 * torch.rand(14_350, generator=generator(4)), torch.full((10,), -1e30))
    )
    out = poisoned(len(d))
    _attention_exp2[(len(d) // 1024,)](d.to(DEVICE), out, BLOCK=1024, **arithmetic.STRICT)
    want, got = reference.exp2(d.clamp(max=0.0)), out.cpu()
    assert torch.equal(got[d >= -24], want[d >= -24])
    assert ((got >= 0) & (torch.round(got * 16256) == 0))[d < -24].all()


@pytest.mark.parametrize("width", [1, 72, 129])
def test_quantize_rows(width: int) -> None:
    z = extreme_rows(width)
    q, s = poisoned(8, width, dtype=torch.int8), poisoned(8)
    quantize_rows(z.to(DEVICE), q, s)
    want_q, want_s = reference.quantize_rows(z)
    assert torch.equal(q.cpu(), want_q)
    assert torch.equal(s.cpu(), want_s)


@pytest.mark.parametrize("width", [1, 72, 129])
def test_rms_norm_quantize(width: int) -> None:
    x, g = extreme_rows(width), torch.randn(width, generator=generator(1))
    q, s = poisoned(8, width, dtype=torch.int8), poisoned(8)
    zero = torch.full((8,), 5, dtype=torch.int32, device=DEVICE)
    rms_norm_quantize(x.to(DEVICE), g.to(DEVICE), 1e-5, q, s, zero=zero)
    want_q, want_s = reference.rms_norm_quantize(x, g, 1e-5)
    assert torch.equal(q.cpu(), want_q)
    assert torch.equal(s.cpu(), want_s)
    assert not zero.any()


@pytest.mark.parametrize("rows", [1, 5, 33])
@pytest.mark.parametrize(("depth", "columns"), [(32, 1), (72, 50), (200, 33)])
@pytest.mark.parametrize("bias", [False, True])
def test_linear_with_bias_and_residual(rows: int, depth: int, columns: int, bias: bool) -> None:
    g = generator(rows * depth + columns)
    q, s = int8(g, rows, depth), scales(g, rows)
    w, ws, b = int8(g, columns, depth), scales(g, columns), torch.randn(columns, generator=g)
    operands = [x.to(DEVICE) for x in (q, s, w, ws)]
    want = reference.linear(q, s, w, ws, b if bias else None)
    out = poisoned(rows, columns)
    linear(*operands, out, bias=b.to(DEVICE) if bias else None, tile=SMALL)
    assert torch.equal(out.cpu(), want)
    x = torch.randn(rows, columns, generator=g)
    out = x.to(DEVICE).clone()
    linear(*operands, out, bias=b.to(DEVICE) if bias else None, add=True)
    assert torch.equal(out.cpu(), x + want)


def test_linear_over_chosen_ids_gives_the_columns_of_the_whole() -> None:
    g = generator(4)
    q, s, w, ws = (x.to(DEVICE) for x in (int8(g, 7, 64), scales(g, 7), int8(g, 90, 64), scales(g, 90)))
    whole, part = poisoned(7, 90), poisoned(7, 4)
    ids = torch.tensor([89, 0, 13, 13], dtype=torch.int32, device=DEVICE)
    linear(q, s, w, ws, whole)
    linear(q, s, w, ws, part, ids=ids)
    assert torch.equal(part, whole[:, ids.long()])


def test_argmax_takes_the_lowest_id_of_equal_logits() -> None:
    g = generator(6)
    q, s, w, ws = int8(g, 9, 40), scales(g, 9), int8(g, 70, 40), scales(g, 70)
    w[[12, 55]], ws[[12, 55]] = w[33].clone(), ws[33].clone()  # three equal columns in different tiles
    w[64:], ws[64:] = 0, 0  # logits of zero, and of minus zero where a scale is zero
    q[0] = 0  # a row whose logits are all zeros
    s[1] = 0
    want = reference.linear(q, s, w, ws)
    operands = [x.to(DEVICE) for x in (q, s, w, ws)]
    best = linear_argmax(*operands, tile=SMALL).cpu()
    lowest = torch.stack([(row == row.max()).nonzero()[0, 0] for row in want])
    assert torch.equal(best, lowest)
    ids = torch.tensor([55, 64, 33], dtype=torch.int32)
    columns = want[:, ids.long()]
    chosen = torch.stack([ids[row == row.max()].min().long() for row in columns])
    assert torch.equal(linear_argmax(*operands, ids=ids.to(DEVICE), tile=SMALL).cpu(), chosen)


@pytest.mark.parametrize("tile", [SMALL, Tile(32, 16, 64, 4, 2), Tile(16, 32, 128, 4, 3)])
def test_gate_up_and_quantize_with_its_maxima(tile: Tile) -> None:
    g = generator(8)
    q, s = int8(g, 19, 72), scales(g, 19) * 8
    s[3] = 0  # a row of zeros
    gate, gs, up, us = int8(g, 104, 72), scales(g, 104), int8(g, 104, 72), scales(g, 104)
    h, row_max = poisoned(19, 104), torch.zeros(19, dtype=torch.int32, device=DEVICE)
    gate_up(*(x.to(DEVICE) for x in (q, s, gate, gs, up, us)), h, row_max, tile=tile)
    want = reference.silu_mul(reference.linear(q, s, gate, gs), reference.linear(q, s, up, us))
    assert torch.equal(h.cpu(), want)
    h8, h8_s = poisoned(19, 104, dtype=torch.int8), poisoned(19)
    quantize_with_max(h, row_max, h8, h8_s)
    want_q, want_s = reference.quantize_rows(want)
    assert torch.equal(h8.cpu(), want_q)
    assert torch.equal(h8_s.cpu(), want_s)


def test_embedding() -> None:
    g = generator(2)
    w, s, ids = int8(g, 50, 72), scales(g, 50), torch.tensor([49, 0, 7, 7])
    x = poisoned(4, 72)
    embedding(ids.to(DEVICE, torch.int32), w.to(DEVICE), s.to(DEVICE), x)
    assert torch.equal(x.cpu(), reference.embedding(ids, w, s))


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize(("heads", "kv_heads", "dim"), [(6, 2, 16), (3, 3, 64), (5, 1, 80)])
def test_rope_quantize_into_pages(heads: int, kv_heads: int, dim: int, qk_norm: bool) -> None:
    g, page = generator(dim), 32
    qkv = torch.randn(6, (heads + 2 * kv_heads) * dim, generator=g)
    qkv[2] = 0
    positions = torch.tensor([0, 1, 2, 300, 301, 0])
    slots = torch.tensor([73, 74, 75, 0, 1, -1], dtype=torch.int32)  # the last token is padding
    cos, sin = rope_tables(512, dim, 10_000.0)
    norms = [torch.randn(dim, generator=g) if qk_norm else None for _ in range(2)]
    q, sq = poisoned(6, heads, dim, dtype=torch.int8), poisoned(6, heads)
    k, v = (
        poisoned(3, kv_heads, page, dim, dtype=torch.int8),
        poisoned(3, kv_heads, dim, page, dtype=torch.int8),
    )
    sk, sv = poisoned(3, kv_heads, page), poisoned(3, kv_heads, page)
    on_device = [None if n is None else n.to(DEVICE) for n in norms]
    rope_quantize(
        qkv.to(DEVICE), positions.to(DEVICE, torch.int32), slots.to(DEVICE), cos.to(DEVICE), sin.to(DEVICE),
        q, sq, k, sk, v, sv, q_norm=on_device[0], k_norm=on_device[1], eps=1e-6,
    )  # fmt: skip

    parts = qkv.view(6, -1, dim).split([heads, kv_heads, kv_heads], dim=1)
    want = []
    for part, norm in zip(parts, [*norms, None], strict=True):
        normed = part if norm is None else reference.rms_norm_heads(part, norm, 1e-6)
        turned = normed if part is parts[2] else reference.rope(normed, cos[positions], sin[positions])
        want.append(reference.quantize_rows(turned))
    assert torch.equal(q.cpu(), want[0][0])
    assert torch.equal(sq.cpu(), want[0][1])
    for token in range(5):
        at, offset = divmod(int(slots[token]), page)
        assert torch.equal(k[at, :, key_row(offset)].cpu(), want[1][0][token])
        assert torch.equal(sk[at, :, offset].cpu(), want[1][1][token])
        assert torch.equal(v[at, :, :, offset].cpu(), want[2][0][token])
        assert torch.equal(sv[at, :, offset].cpu(), want[2][1][token])
    assert int((k == -128).sum()) == (3 * page - 5) * kv_heads * dim  # nothing else was written
    assert int(sv.isnan().sum()) == (3 * page - 5) * kv_heads


@pytest.mark.parametrize(("heads", "kv_heads", "dim", "qk_norm"), [(3, 1, 64, False), (2, 2, 32, True)])
def test_one_kernel_makes_the_same_queries_keys_and_values(
    heads: int, kv_heads: int, dim: int, qk_norm: bool
) -> None:
    g, tokens, depth = generator(dim), 21, 72
    x, sx, w, ws = (
        int8(g, tokens, depth), scales(g, tokens),
        int8(g, (heads + 2 * kv_heads) * dim, depth), scales(g, (heads + 2 * kv_heads) * dim),
    )  # fmt: skip
    x[3] = 0
    bias = torch.randn(len(w), generator=g) if qk_norm else None
    norms = [torch.randn(dim, generator=g).to(DEVICE) if qk_norm else None for _ in range(2)]
    positions, slots = torch.arange(tokens) + 290, torch.arange(tokens) + 40
    slots[7] = -1  # padding
    cos, sin = rope_tables(512, dim, 10_000.0)
    found = []
    for fused in (False, True):
        q, sq = poisoned(tokens, heads, dim, dtype=torch.int8), poisoned(tokens, heads)
        k, v = (
            poisoned(2, kv_heads, 32, dim, dtype=torch.int8),
            poisoned(2, kv_heads, dim, 32, dtype=torch.int8),
        )
        sk, sv = poisoned(2, kv_heads, 32), poisoned(2, kv_heads, 32)
        operands = [None if part is None else part.to(DEVICE) for part in (x, sx, w, ws, bias)]
        where = [part.to(DEVICE) for part in (positions.int(), slots.int(), cos, sin)]
        where += [q, sq, k, sk, v, sv]
        if fused:
            project_qkv(*operands, *where, *norms, 1e-6, tile=Tile(16, dim, 64, 4, 2))
        else:
            qkv = poisoned(tokens, len(w))
            linear(*operands[:4], qkv, bias=operands[4])
            rope_quantize(qkv, *where, *norms, 1e-6)
        found.append([part.cpu() for part in (q, sq, k, sk, v, sv)])
    for got, want in zip(found[1], found[0], strict=True):
        assert torch.equal(got.nan_to_num(-1.0), want.nan_to_num(-1.0))
    assert not found[1][1].isnan().any()


def test_negative_control_a_fused_scale_product_differs() -> None:
    """Scaling by the product of both scales, one rounding fewer, is not the contract: equality notices."""
    g = generator(12)
    q, s, w, ws = int8(g, 33, 72), scales(g, 33), int8(g, 50, 72), scales(g, 50)
    want = reference.linear(q, s, w, ws)
    acc = (q.double() @ w.double().T).float()
    assert not torch.equal(acc * (s[:, None] * ws[None, :]), want)
    assert math.isclose(float((acc * (s[:, None] * ws[None, :])).norm()), float(want.norm()), rel_tol=1e-5)
