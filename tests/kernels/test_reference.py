"""Every operation of the contract: worked values, closeness to real arithmetic, and freedom from order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kernels.rope import rope_sha256
from tests.kernels import torch_reference as ref
from tests.kernels.torch_reference import rope_tables

SEEDS = st.integers(0, 2**31)


def rows(seed: int, *shape: int, spread: float = 3.0) -> Tensor:
    """Float32 noise whose rows differ in size by many powers of two."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.exp2(spread * torch.randn(shape[:-1], generator=generator)).unsqueeze(-1)
    return torch.randn(shape, generator=generator) * scale


def attention_case(seed: int, t: int, s: int, heads: int = 4, kv_heads: int = 2, dim: int = 16):
    q, sq = ref.quantize_rows(rows(seed, t, heads, dim, spread=1.0))
    k, sk = ref.quantize_rows(rows(seed + 1, s, kv_heads, dim, spread=1.0))
    v, sv = ref.quantize_rows(rows(seed + 2, s, kv_heads, dim))
    return q, sq, k, sk, v, sv, torch.arange(s - t, s)


def test_quantize_rows_worked_values():
    z = torch.tensor([[127.0, -63.5, 0.5, 1.5], [0.0, 0.0, 0.0, 0.0], [2.0**-101, 0.0, 0.0, 0.0]])
    q, s = ref.quantize_rows(z)
    assert q.tolist() == [[127, -64, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]  # ties to even
    assert s.tolist() == [float(torch.tensor(127.0) * torch.tensor(1 / 127)), 0.0, 0.0]


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_quantize_rows_is_within_half_a_step_and_never_reaches_minus_128(seed):
    z = rows(seed, 7, 33, spread=8.0)
    q, s = ref.quantize_rows(z)
    assert int(q.to(torch.int32).abs().max()) == 127
    error = (z.double() - q.double() * s.double()[:, None]).abs()
    assert bool((error <= s.double()[:, None] * 0.50002).all())


def test_linear_worked_values():
    q = torch.tensor([[127, 127], [-127, 3]], dtype=torch.int8)
    w = torch.tensor([[127, 127], [1, -2], [0, 5]], dtype=torch.int8)
    s, ws, bias = torch.tensor([0.5, 2.0]), torch.tensor([1.0, 0.25, 4.0]), torch.tensor([1.0, 0.0, -1.0])
    y = ref.linear(q, s, w, ws, bias)
    assert y.tolist() == [[16130.0, -15.875, 1269.0], [-31495.0, -66.5, 119.0]]


def test_linear_is_exact_at_the_limits_of_int32():
    k = 18_944  # the widest layer of a 7B model
    q = torch.full((1, k), 127, dtype=torch.int8)
    y = ref.linear(q, torch.ones(1), torch.stack((q[0], -q[0])), torch.ones(2))
    assert y.tolist() == [[305_547_776.0, -305_547_776.0]]  # 305,547,776 = 18,944 × 127², and a float32


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_linear_does_not_depend_on_channel_order_split_or_batch(seed):
    q, s = ref.quantize_rows(rows(seed, 9, 65))
    w, ws = ref.quantize_rows(rows(seed + 1, 11, 65))
    whole = ref.linear(q, s, w, ws)
    order = torch.randperm(65, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(whole, ref.linear(q[:, order], s, w[:, order], ws))
    assert torch.equal(whole, torch.cat([ref.linear(q[i : i + 1], s[i : i + 1], w, ws) for i in range(9)]))
    split = sum(ref.exact_matmul(q[:, part], w[:, part].T) for part in torch.arange(65).split(13))
    assert torch.equal(whole, (split.float() * s[:, None]) * ws[None, :])


def test_a_float_matmul_fails_the_same_test():
    """Negative control: the property is not an accident of small sizes."""
    x, w = rows(1, 9, 650), rows(2, 11, 650)
    order = torch.randperm(650, generator=torch.Generator().manual_seed(3))
    assert not torch.equal(x @ w.T, x[:, order] @ w[:, order].T)


@pytest.mark.parametrize("d", [0.0, -1.0, -2.0, -23.0])
def test_exp2_is_exact_at_integers(d):
    assert ref.exp2(torch.tensor([d])).item() == 2.0**d


def test_exp2_is_monotone_within_its_error_and_clamped():
    d = torch.linspace(-24, 0, 1_000_001)
    e = ref.exp2(d)
    relative = (e.double() / torch.exp2(d.double()) - 1).abs().max().item()
    assert relative < 1.04e-4
    assert bool((e.diff() >= 0).all())
    assert ref.exp2(torch.tensor([-1e30, -24.5, -1e-45])).tolist() == [2.0**-24, 2.0**-24, 1.0]


def test_inverse_rms_worked_values():
    inv, zeros = ref.inverse_rms(torch.tensor([[3.0, -3.0], [2.0**-31, 0.0]]), eps=0.0)
    assert inv[0].item() == float(torch.tensor(1.0) / torch.tensor(3.0))
    assert zeros.tolist() == [False, True]


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_rms_norm_is_close_to_real_arithmetic_and_free_of_order(seed):
    x, g = rows(seed, 5, 96, spread=6.0), rows(seed + 1, 96, spread=0.0)
    q, s = ref.rms_norm_quantize(x, g, 1e-5)
    real = x.double() / (x.double().square().mean(-1, keepdim=True) + 1e-5).sqrt() * g.double()
    assert bool(((q.double() * s.double()[:, None] - real).abs() <= s.double()[:, None] * 0.51).all())
    order = torch.randperm(96, generator=torch.Generator().manual_seed(seed))
    q2, s2 = ref.rms_norm_quantize(x[:, order], g[order], 1e-5)
    assert torch.equal(q[:, order], q2)
    assert torch.equal(s, s2)


def test_rms_norm_of_zeros_is_zeros():
    q, s = ref.rms_norm_quantize(torch.zeros(2, 8), torch.ones(8), 1e-5)
    assert not q.any()
    assert not s.any()
    assert not ref.rms_norm_heads(torch.zeros(2, 3, 8), torch.ones(8), 1e-5).any()


def test_rms_norm_heads_is_close_to_real_arithmetic():
    x, g = rows(5, 4, 3, 16), rows(6, 16, spread=0.0)
    real = x.double() / (x.double().square().mean(-1, keepdim=True) + 1e-6).sqrt() * g.double()
    assert torch.allclose(ref.rms_norm_heads(x, g, 1e-6).double(), real, rtol=1e-4, atol=1e-6)


def test_rope_tables_are_the_rounded_cosines():
    cos, sin = rope_tables(8192, 64, 100_000.0)
    angle = torch.arange(8192, dtype=torch.float64)[:, None] * 100_000.0 ** (
        torch.arange(0, 64, 2, dtype=torch.float64) / -64
    )
    for table, real in ((cos, angle.cos()), (sin, angle.sin())):
        assert (table.double() - real).abs().max() <= 0.5000001 / 2**15
        assert torch.equal(table * 2**15, (table * 2**15).round())
    assert rope_sha256(8192, 64, 100_000.0) == (
        "38cd0b3c4e54e6033675b95e0ca99366e4b8a2b90e20b8dc17be1280009f09a9"
    )


def test_rope_worked_values_and_length():
    x = torch.tensor([[[3.0, 1.0, 4.0, 2.0]]])
    quarter = ref.rope(x, torch.zeros(1, 2), torch.ones(1, 2))
    assert quarter.tolist() == [[[-4.0, -2.0, 3.0, 1.0]]]
    cos, sin = rope_tables(100, 16, 10_000.0)
    y = rows(7, 100, 2, 16)
    assert torch.allclose(ref.rope(y, cos, sin).norm(dim=-1), y.norm(dim=-1), rtol=1e-4)


def test_silu_mul_is_close_to_real_arithmetic():
    g = torch.linspace(-30, 30, 10_001)
    real = torch.nn.functional.silu(g.double()) * 1.5
    ours = ref.silu_mul(g, torch.full_like(g, 1.5)).double()
    assert ((ours - real).abs() <= real.abs() * 1.1e-4 + 4e-6).all()
    assert ref.silu_mul(torch.tensor([0.0, -0.0]), torch.ones(2)).tolist() == [0.0, 0.0]


def test_attention_of_one_key_returns_its_value():
    q, sq, k, sk, v, sv, _ = attention_case(1, 1, 1)
    out = ref.attention(q, sq, k, sk, v, sv, torch.tensor([0]))
    want = (v.float() * 16256) * (sv / ref.f32(16256.0))[:, :, None]
    assert torch.equal(out, want.repeat_interleave(2, dim=1))


@given(SEEDS, st.integers(1, 12), st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_attention_is_close_to_a_real_softmax(seed, t, history):
    q, sq, k, sk, v, sv, positions = attention_case(seed, t, t + history)
    out = ref.attention(q, sq, k, sk, v, sv, positions).double()
    qf, kf, vf = (
        (x.double() * s.double()[..., None]).transpose(0, 1) for x, s in ((q, sq), (k, sk), (v, sv))
    )
    kf, vf = kf.repeat_interleave(2, 0), vf.repeat_interleave(2, 0)
    scores = qf @ kf.transpose(1, 2) / math.sqrt(16)
    hidden = torch.arange(t + history) > positions[:, None]
    real = (torch.softmax(scores.masked_fill(hidden, -math.inf), -1) @ vf).transpose(0, 1)
    # each weight errs by at most 2e-4 of itself and half of 1/16256 of the largest, in numerator and sum
    bound = vf.abs().amax() * (5e-4 + (t + history) / 16256)
    assert (out - real).abs().max() <= bound


@given(SEEDS, st.integers(1, 9), st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_attention_does_not_depend_on_key_order_or_batch(seed, t, history):
    s = t + history
    q, sq, k, sk, v, sv, positions = attention_case(seed, t, s)
    whole = ref.attention(q, sq, k, sk, v, sv, positions)
    one_by_one = [
        ref.attention(q[i : i + 1], sq[i : i + 1], k, sk, v, sv, positions[i : i + 1]) for i in range(t)
    ]
    assert torch.equal(whole, torch.cat(one_by_one))
    past = history + 1  # the keys all queries see may come in any order
    order = torch.cat(
        (torch.randperm(past, generator=torch.Generator().manual_seed(seed)), torch.arange(past, s))
    )
    assert torch.equal(whole, ref.attention(q, sq, k[order], sk[order], v[order], sv[order], positions))


def test_attention_ignores_keys_of_the_future():
    q, sq, k, sk, v, sv, _ = attention_case(4, 3, 10)
    positions = torch.tensor([2, 0, 5])
    whole = ref.attention(q, sq, k, sk, v, sv, positions)
    k[6:], sk[6:], v[6:], sv[6:] = 127, 1e9, 127, 1e9
    assert torch.equal(whole, ref.attention(q, sq, k, sk, v, sv, positions))


def test_attention_over_values_of_zero_is_zero():
    q, sq, k, sk, v, sv, positions = attention_case(4, 3, 10)
    assert not ref.attention(q, sq, k, sk, torch.zeros_like(v), torch.zeros_like(sv), positions).any()


def test_int64_converts_to_float32_with_one_rounding_to_even():
    """Numpy's conversion is part of the contract (sums of squares, weighted values)."""
    near_ties = [
        (1 << 24) + 1,
        (1 << 24) + 3,
        (1 << 40) + (1 << 16),
        (1 << 40) + (1 << 16) + 1,
        (1 << 53) + 1,
    ]
    want = [
        float(1 << 24),
        float((1 << 24) + 4),
        float(1 << 40),
        float((1 << 40) + (1 << 17)),
        float(1 << 53),
    ]
    assert np.array(near_ties * 5).astype(np.float32).tolist() == want * 5


def test_sqrt_is_correctly_rounded() -> None:
    x = torch.rand(20_000, generator=torch.Generator().manual_seed(0)) + 2.0**-20
    root = torch.from_numpy(np.sqrt(x.numpy())).double()
    # The exact root lies within half a unit in the last place, checked on exact squares in float64.
    spacing = torch.nextafter(root.float(), torch.tensor(torch.inf)).double() - root
    assert bool(((root + spacing / 2).square() >= x.double()).all())
    assert bool(((root - spacing / 2).square() <= x.double()).all())


def test_head_parallel_in_three_through_the_output_projection() -> None:
    """Shards exchange a maximum and add integers: the same bits as one machine with all the heads."""
    g = torch.Generator().manual_seed(4)
    outputs, w = torch.randn(5, 9 * 16, generator=g), torch.randint(-127, 128, (40, 9 * 16), generator=g)
    ws = torch.rand(40, generator=g)
    want = ref.linear(*ref.quantize_rows(outputs), w.to(torch.int8), ws)
    shards = outputs.chunk(3, dim=1)
    m = torch.stack([shard.abs().amax(dim=1) for shard in shards]).amax(dim=0)
    digits = [torch.round(shard * (127.0 / m)[:, None]).to(torch.int64) for shard in shards]
    total = sum(q @ part.T for q, part in zip(digits, w.chunk(3, dim=1), strict=True))
    s = m * torch.tensor(1.0 / 127.0)
    assert torch.equal((total.to(torch.float32) * s[:, None]) * ws, want)
