"""The arithmetic contract in plain numpy: every operation of NUMERICS.md, written to be read.

Slow; every backend must give the same bits. Sums go through float64 or int64,
where they are exact in any order. Each line of float32 arithmetic is one or more operations that round once
each, in the order of the parentheses: numpy neither fuses nor reorders them.

Shapes: T rows (tokens), H query heads, Hkv key heads, D channels of a head, S keys.
"""

from __future__ import annotations

import math

import numpy as np

F32 = np.float32
TINY_ROW = 2.0**-100  # Q8: below this a row is zeros
TINY_NORM = 2.0**-30  # RMSNorm: below this a row is zeros
LOG2_E = math.log2(math.e)
EXP2_C1, EXP2_C2, EXP2_C3 = 0.6954244, 0.22630768, 0.07826797
EXP2_LOWEST = -24.0
ATTENTION_ONE = 16256  # 127 × 128: a weight of one, two int8 digits
_ROWS_AT_ONCE = 64  # queries per block, only to bound memory


def f32(value: float) -> np.float32:
    """A float32 constant: the value nearest to `value`."""
    return np.float32(value)


def power_of_two(exponent: np.ndarray) -> np.ndarray:
    """2^exponent as float32, from the bits. `exponent` integer in [−126, 127]."""
    return ((np.asarray(exponent).astype(np.int32) + np.int32(127)) << np.int32(23)).view(F32)


def exact_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a @ b` of integers, int64. Exact in any order: float64 holds every partial sum (below 2^53)."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def quantize_rows(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Q8. z float32 [..., N] → q int8 [..., N] in ±127 and s float32 [...], z ≈ q × s."""
    m = np.abs(z).max(axis=-1)
    zeros = m < f32(TINY_ROW)
    r = f32(127.0) / np.where(zeros, f32(1.0), m)
    q = np.rint(z * r[..., None])
    q = np.where(zeros[..., None], f32(0.0), q).astype(np.int8)
    s = np.where(zeros, f32(0.0), m * f32(1 / 127))
    return q, s


def scaled_sums(acc: np.ndarray, s: np.ndarray, ws: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """`(f32(acc) × s) × ws (+ bias)`: acc integer [T, N], s [T], ws and bias [N] → float32 [T, N]."""
    y = (acc.astype(F32) * s[:, None]) * ws[None, :]
    return y if bias is None else y + bias[None, :]


def linear(
    q: np.ndarray, s: np.ndarray, w: np.ndarray, ws: np.ndarray, bias: np.ndarray | None = None
) -> np.ndarray:
    """q int8 [T, K], s float32 [T], w int8 [N, K], ws float32 [N], bias float32 [N] → y float32 [T, N]."""
    return scaled_sums(exact_matmul(q, w.T), s, ws, bias)


def embedding(ids: np.ndarray, we: np.ndarray, se: np.ndarray) -> np.ndarray:
    """ids integer [T], we int8 [V, D], se float32 [V] → float32 [T, D]."""
    return we[ids].astype(F32) * se[ids][:, None]


def inverse_rms(x: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """`1 ÷ sqrt(MS(x) + eps)` over the last dimension, and which rows count as zeros (their value is unused).

    x float32 [..., D], |x| < 2^61 → inv float32 [...], zeros bool [...].
    """
    a = np.abs(x).max(axis=-1)
    zeros = a < f32(TINY_NORM)
    exponent = (np.where(zeros, f32(1.0), a).view(np.int32) >> np.int32(23)) - np.int32(127)
    u = np.rint(x * power_of_two(14 - exponent)[..., None])
    total = np.square(u.astype(np.int64)).sum(axis=-1)
    mean_square = (total.astype(F32) / f32(x.shape[-1])) * power_of_two(2 * (exponent - 14))
    inv = f32(1.0) / np.sqrt(mean_square + f32(eps))
    return inv, zeros


def rms_norm_quantize(x: np.ndarray, g: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """NQ. x float32 [T, D], g float32 [D] → q int8 [T, D], s float32 [T]."""
    inv, zeros = inverse_rms(x, eps)
    q, s0 = quantize_rows(x * g)
    q = np.where(zeros[..., None], np.int8(0), q)
    return q, np.where(zeros, f32(0.0), s0 * inv)


def rms_norm_heads(x: np.ndarray, g: np.ndarray, eps: float) -> np.ndarray:
    """RMSNorm of each head (QK-norm). x float32 [T, H, D], g float32 [D] → float32 [T, H, D]."""
    inv, zeros = inverse_rms(x, eps)
    y = (x * inv[..., None]) * g
    return np.where(zeros[..., None], f32(0.0), y)


def rope(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """Turns channel pairs (i, i + D/2). x float32 [T, H, D], cos and sin float32 [T, D/2] → like x."""
    first, second = np.split(x, 2, axis=-1)
    cos, sin = cos[:, None, :], sin[:, None, :]
    return np.concatenate(((first * cos) - (second * sin), (second * cos) + (first * sin)), axis=-1)


def exp2(d: np.ndarray) -> np.ndarray:
    """EXP2. d float32, at most 0 → float32 in [2^-24, 1]; relative error 1.03e-4."""
    d = np.maximum(d, f32(EXP2_LOWEST))
    n = np.floor(d)
    f = d - n
    p = f32(1.0) + f * (f32(EXP2_C1) + f * (f32(EXP2_C2) + f * f32(EXP2_C3)))
    return p * power_of_two(n)


def attention(
    q: np.ndarray,
    sq: np.ndarray,
    k: np.ndarray,
    sk: np.ndarray,
    v: np.ndarray,
    sv: np.ndarray,
    q_positions: np.ndarray,
) -> np.ndarray:
    """Causal grouped-query attention over the keys j ≤ q_positions[t].

    q int8 [T, H, D], sq float32 [T, H]; k and v int8 [S, Hkv, D], sk and sv float32 [S, Hkv];
    q_positions integer [T].
    Query head h reads key head h ÷ (H / Hkv). Returns float32 [T, H, D].
    """
    out = np.empty(q.shape, F32)
    for first in range(0, len(q), _ROWS_AT_ONCE):
        t = slice(first, first + _ROWS_AT_ONCE)
        out[t] = _attention_block(q[t], sq[t], k, sk, v, sv, q_positions[t])
    return out


def _attention_block(
    q: np.ndarray,
    sq: np.ndarray,
    k: np.ndarray,
    sk: np.ndarray,
    v: np.ndarray,
    sv: np.ndarray,
    q_positions: np.ndarray,
) -> np.ndarray:
    group = q.shape[1] // k.shape[1]
    last = int(q_positions.max()) + 1
    k, sk, v, sv = (cached[:last].repeat(group, axis=1) for cached in (k, sk, v, sv))
    visible = np.arange(last) <= q_positions[None, :, None]  # [1, T, S], broadcast over heads

    a = exact_matmul(q.transpose(1, 0, 2), k.transpose(1, 2, 0)).astype(F32)  # [H, T, S]
    c = (sq * f32(LOG2_E / math.sqrt(q.shape[-1]))).T[:, :, None]
    t = (a * c) * sk.T[:, None, :]
    m = np.where(visible, t, f32(-math.inf)).max(axis=-1, keepdims=True)
    e = np.where(visible, exp2(np.where(visible, t - m, f32(0.0))), f32(0.0))

    total = np.rint(e * f32(ATTENTION_ONE)).astype(np.int64).sum(axis=-1, keepdims=True)
    widest = np.where(visible, sv.T[:, None, :], f32(0.0)).max(axis=-1, keepdims=True)
    h = f32(ATTENTION_ONE) / np.where(widest == 0, f32(1.0), widest)
    w = np.rint(e * (sv.T[:, None, :] * h)).astype(np.int64)
    weighted = exact_matmul(w, v.transpose(1, 0, 2)).astype(F32)  # [H, T, D]
    out = weighted * (widest / total.astype(F32))
    return out.transpose(1, 0, 2)


def silu_mul(g: np.ndarray, u: np.ndarray) -> np.ndarray:
    """SwiGLU's `silu(g) × u`, element-wise. g and u float32 of one shape."""
    e = exp2(-(np.abs(g) * f32(LOG2_E)))
    sigma = np.where(g >= 0, f32(1.0), e) / (f32(1.0) + e)
    return (g * sigma) * u
