"""QK-norm, rotary position and quantisation of Q, K and V, written where attention reads them."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import (
    STRICT,
    TINY_SQUARE,
    fixed_point_squares,
    inverse_rms,
    rint,
    row_reciprocal,
    row_scale,
    square_shift,
)
from kernels.gpu.key_order import key_row_of


@triton.jit
def _rope_quantize(
    qkv_ptr, position_ptr, slot_ptr, cos_ptr, sin_ptr, q_norm_ptr, k_norm_ptr,
    q_ptr, sq_ptr, k_ptr, sk_ptr, v_ptr, sv_ptr, eps,
    H: tl.constexpr, KV: tl.constexpr, HALF: tl.constexpr, PAGE: tl.constexpr,
    HALF_BLOCK: tl.constexpr, HEADS: tl.constexpr, QK_NORM: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)[:, None]
    i = tl.arange(0, HALF_BLOCK)[None, :]
    here = head < H + 2 * KV
    source = qkv_ptr + token * ((H + 2 * KV) * 2 * HALF) + head * (2 * HALF) + i
    inside = here & (i < HALF)
    x1 = tl.load(source, mask=inside, other=0.0)
    x2 = tl.load(source + HALF, mask=inside, other=0.0)
    turned = head < H + KV

    if QK_NORM:
        a = tl.maximum(tl.max(tl.abs(x1), axis=1), tl.max(tl.abs(x2), axis=1))
        shift = square_shift(a)
        squares = fixed_point_squares(x1, shift[:, None]) + fixed_point_squares(x2, shift[:, None])
        inv = inverse_rms(tl.sum(squares, axis=1), a, shift, 2 * HALF, eps)[:, None]
        inv = tl.where(a[:, None] < TINY_SQUARE, 0.0, inv)
        is_query = inside & (head < H)
        is_key = inside & (head >= H) & turned
        g1 = tl.load(q_norm_ptr + i, mask=is_query, other=0.0) + tl.load(
            k_norm_ptr + i, mask=is_key, other=0.0
        )
        g2 = tl.load(q_norm_ptr + HALF + i, mask=is_query, other=0.0)
        g2 += tl.load(k_norm_ptr + HALF + i, mask=is_key, other=0.0)
        x1 = tl.where(turned, (x1 * inv) * g1, x1)
        x2 = tl.where(turned, (x2 * inv) * g2, x2)

    position = tl.load(position_ptr + token).to(tl.int64)
    cos = tl.load(cos_ptr + position * HALF + i, mask=i < HALF, other=0.0)
    sin = tl.load(sin_ptr + position * HALF + i, mask=i < HALF, other=0.0)
    y1 = tl.where(turned, (x1 * cos) - (x2 * sin), x1)
    y2 = tl.where(turned, (x2 * cos) + (x1 * sin), x2)

    m = tl.maximum(tl.max(tl.abs(y1), axis=1), tl.max(tl.abs(y2), axis=1))[:, None]
    r = row_reciprocal(m)
    q1 = rint(y1 * r).to(tl.int8)
    q2 = rint(y2 * r).to(tl.int8)
    s = row_scale(m)

    query = inside & (head < H)
    q_out = q_ptr + (token * H + head) * (2 * HALF) + i
    tl.store(q_out, q1, mask=query)
    tl.store(q_out + HALF, q2, mask=query)
    tl.store(sq_ptr + token * H + head, s, mask=head < H)

    # Slot -1 is padding: nothing is cached for it.
    slot = tl.load(slot_ptr + token).to(tl.int64)
    cached = slot >= 0
    page = slot // PAGE
    offset = slot % PAGE
    kv = head - H
    is_key = (head >= H) & turned & cached
    k_head = (page * KV + kv) * PAGE
    k_out = k_ptr + (k_head + key_row_of(offset)) * (2 * HALF) + i
    tl.store(k_out, q1, mask=is_key & inside)
    tl.store(k_out + HALF, q2, mask=is_key & inside)
    tl.store(sk_ptr + k_head + offset, s, mask=is_key)

    kv = head - H - KV
    is_value = (head >= H + KV) & here & cached
    v_head = page * KV + kv
    tl.store(v_ptr + (v_head * (2 * HALF) + i) * PAGE + offset, q1, mask=is_value & inside)
    tl.store(v_ptr + (v_head * (2 * HALF) + HALF + i) * PAGE + offset, q2, mask=is_value & inside)
    tl.store(sv_ptr + v_head * PAGE + offset, s, mask=is_value)


def rope_quantize(
    qkv: Tensor,
    positions: Tensor,
    slots: Tensor,
    cos: Tensor,
    sin: Tensor,
    q: Tensor,
    sq: Tensor,
    k_pages: Tensor,
    sk_pages: Tensor,
    v_pages: Tensor,
    sv_pages: Tensor,
    q_norm: Tensor | None = None,
    k_norm: Tensor | None = None,
    eps: float = 0.0,
) -> None:
    """qkv f32 [T, (H + 2 KV) * D] -> writes q int8 [T, H, D], sq f32 [T, H] and the tokens' cache entries.

    positions int32 [T]; slots int32 [T] = page * PAGE + offset, or -1 for padding; cos, sin f32 [P, D / 2].
    Pages of one layer: k int8 [pages, KV, PAGE, D], its rows in the order of `key_row`; v int8
    [pages, KV, D, PAGE] (transposed: 8-bit matrix products want both operands contiguous along the summed
    axis); sk and sv f32 [pages, KV, PAGE].
    q_norm and k_norm f32 [D] are the QK-norm weights.
    """
    tokens, heads, head_dim = q.shape
    _, kv_heads, page, _ = k_pages.shape
    _rope_quantize[(tokens,)](
        qkv, positions, slots, cos, sin, q_norm, k_norm,
        q, sq, k_pages, sk_pages, v_pages, sv_pages, eps,
        H=heads, KV=kv_heads, HALF=head_dim // 2, PAGE=page,
        HALF_BLOCK=triton.next_power_of_2(head_dim // 2),
        HEADS=triton.next_power_of_2(heads + 2 * kv_heads), QK_NORM=q_norm is not None,
        num_warps=4, **STRICT,
    )  # fmt: skip
