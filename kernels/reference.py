"""The arithmetic contract in plain torch: every operation of NUMERICS.md, written to be read.

Runs on CPU tensors and is slow; every backend must give the same bits. Sums go through float64 or int64,
where they are exact in any order. Each line of float32 arithmetic is one or more operations that round once
each, in the order of the parentheses: eager torch neither fuses nor reorders them.

Shapes: T rows (tokens), H query heads, Hkv key heads, D channels of a head, S keys.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

F32 = torch.float32
TINY_ROW = 2.0**-100  # Q8: below this a row is zeros
TINY_NORM = 2.0**-30  # RMSNorm: below this a row is zeros
LOG2_E = math.log2(math.e)
EXP2_C1, EXP2_C2, EXP2_C3 = 0.6954244, 0.22630768, 0.07826797
EXP2_LOWEST = -24.0
ATTENTION_ONE = 16256  # 127 × 128: a weight of one, two int8 digits
_ROWS_AT_ONCE = 64  # queries per block, only to bound memory


def f32(value: float) -> Tensor:
    """A float32 constant: the value nearest to `value`."""
    return torch.tensor(value, dtype=F32)


def power_of_two(exponent: Tensor) -> Tensor:
    """2^exponent as float32, from the bits. `exponent` integer in [−126, 127]."""
    return ((exponent.to(torch.int32) + 127) << 23).view(F32)


def sqrt(x: Tensor) -> Tensor:
    """Correctly rounded square root of float32.

    `torch.sqrt` on the CPU is one unit in the last place off for about 1 value in 140 (a vector library's
    routine); numpy's is the processor's instruction.
    """
    return torch.from_numpy(np.sqrt(x.numpy()))


def exact_matmul(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b` of integers, int64. Exact in any order: float64 holds every partial sum (below 2^53)."""
    return (a.to(torch.float64) @ b.to(torch.float64)).to(torch.int64)


def quantize_rows(z: Tensor) -> tuple[Tensor, Tensor]:
    """Q8. z float32 [..., N] → q int8 [..., N] in ±127 and s float32 [...], z ≈ q × s."""
    m = z.abs().amax(dim=-1)
    zeros = m < TINY_ROW
    r = f32(127.0) / torch.where(zeros, f32(1.0), m)
    q = torch.round(z * r.unsqueeze(-1))
    q = torch.where(zeros.unsqueeze(-1), f32(0.0), q).to(torch.int8)
    s = torch.where(zeros, f32(0.0), m * f32(1 / 127))
    return q, s


def linear(q: Tensor, s: Tensor, w: Tensor, ws: Tensor, bias: Tensor | None = None) -> Tensor:
    """q int8 [T, K], s float32 [T], w int8 [N, K], ws float32 [N], bias float32 [N] → y float32 [T, N]."""
    acc = exact_matmul(q, w.T).to(F32)
    y = (acc * s[:, None]) * ws[None, :]
    return y if bias is None else y + bias[None, :]


def embedding(ids: Tensor, we: Tensor, se: Tensor) -> Tensor:
    """ids integer [T], we int8 [V, D], se float32 [V] → float32 [T, D]."""
    return we[ids].to(F32) * se[ids][:, None]


def inverse_rms(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """`1 ÷ sqrt(MS(x) + eps)` over the last dimension, and which rows count as zeros (their value is unused).

    x float32 [..., D], |x| < 2^61 → inv float32 [...], zeros bool [...].
    """
    a = x.abs().amax(dim=-1)
    zeros = a < TINY_NORM
    exponent = torch.where(zeros, f32(1.0), a).view(torch.int32).bitwise_right_shift(23) - 127
    u = torch.round(x * power_of_two(14 - exponent).unsqueeze(-1)).to(torch.int64)
    total = (u * u).sum(dim=-1)
    mean_square = (total.to(F32) / f32(x.shape[-1])) * power_of_two(2 * (exponent - 14))
    inv = f32(1.0) / sqrt(mean_square + f32(eps))
    return inv, zeros


def rms_norm_quantize(x: Tensor, g: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """NQ. x float32 [T, D], g float32 [D] → q int8 [T, D], s float32 [T]."""
    inv, zeros = inverse_rms(x, eps)
    q, s0 = quantize_rows(x * g)
    q = torch.where(zeros.unsqueeze(-1), torch.zeros_like(q), q)
    return q, torch.where(zeros, f32(0.0), s0 * inv)


def rms_norm_heads(x: Tensor, g: Tensor, eps: float) -> Tensor:
    """RMSNorm of each head (QK-norm). x float32 [T, H, D], g float32 [D] → float32 [T, H, D]."""
    inv, zeros = inverse_rms(x, eps)
    y = (x * inv.unsqueeze(-1)) * g
    return torch.where(zeros.unsqueeze(-1), f32(0.0), y)


def rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns channel pairs (i, i + D/2). x float32 [T, H, D], cos and sin float32 [T, D/2] → like x."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos[:, None, :], sin[:, None, :]
    return torch.cat(((first * cos) - (second * sin), (second * cos) + (first * sin)), dim=-1)


def exp2(d: Tensor) -> Tensor:
    """EXP2. d float32, at most 0 → float32 in [2^-24, 1]; relative error 1.03e-4."""
    d = torch.maximum(d, f32(EXP2_LOWEST))
    n = torch.floor(d)
    f = d - n
    p = f32(1.0) + f * (f32(EXP2_C1) + f * (f32(EXP2_C2) + f * f32(EXP2_C3)))
    return p * power_of_two(n)


def attention(
    q: Tensor,
    sq: Tensor,
    k: Tensor,
    sk: Tensor,
    v: Tensor,
    sv: Tensor,
    q_positions: Tensor,
) -> Tensor:
    """Causal grouped-query attention over the keys j ≤ q_positions[t].

    q int8 [T, H, D], sq float32 [T, H]; k and v int8 [S, Hkv, D], sk and sv float32 [S, Hkv];
    q_positions integer [T].
    Query head h reads key head h ÷ (H / Hkv). Returns float32 [T, H, D].
    """
    blocks = [
        _attention_block(q[t], sq[t], k, sk, v, sv, q_positions[t])
        for t in torch.arange(q.shape[0]).split(_ROWS_AT_ONCE)
    ]
    return torch.cat(blocks) if blocks else torch.zeros(q.shape, dtype=F32)


def _attention_block(
    q: Tensor, sq: Tensor, k: Tensor, sk: Tensor, v: Tensor, sv: Tensor, q_positions: Tensor
) -> Tensor:
    group = q.shape[1] // k.shape[1]
    last = int(q_positions.max()) + 1
    k, sk, v, sv = (cached[:last].repeat_interleave(group, dim=1) for cached in (k, sk, v, sv))
    visible = torch.arange(last) <= q_positions[None, :, None]  # [1, T, S], broadcast over heads

    a = exact_matmul(q.transpose(0, 1), k.permute(1, 2, 0)).to(F32)  # [H, T, S]
    c = (sq * f32(LOG2_E / math.sqrt(q.shape[-1]))).T[:, :, None]
    t = (a * c) * sk.T[:, None, :]
    m = torch.where(visible, t, f32(-math.inf)).amax(dim=-1, keepdim=True)
    e = torch.where(visible, exp2(torch.where(visible, t - m, f32(0.0))), f32(0.0))

    total = torch.round(e * f32(ATTENTION_ONE)).to(torch.int64).sum(dim=-1, keepdim=True)
    widest = torch.where(visible, sv.T[:, None, :], f32(0.0)).amax(dim=-1, keepdim=True)
    h = f32(ATTENTION_ONE) / torch.where(widest == 0, f32(1.0), widest)
    w = torch.round(e * (sv.T[:, None, :] * h)).to(torch.int64)
    weighted = exact_matmul(w, v.transpose(0, 1)).to(F32)  # [H, T, D]
    out = weighted * (widest / total.to(F32))
    return out.transpose(0, 1).contiguous()


def silu_mul(g: Tensor, u: Tensor) -> Tensor:
    """SwiGLU's `silu(g) × u`, element-wise. g and u float32 of one shape."""
    e = exp2(-(g.abs() * f32(LOG2_E)))
    sigma = torch.where(g >= 0, f32(1.0), e) / (f32(1.0) + e)
    return (g * sigma) * u
