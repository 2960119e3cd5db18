"""Q, K and V in one kernel: product, QK-norm, rotary position, quantisation, written where attention reads.

A program's columns are one head, so that it has the whole head of a row: the float32 product, which would be
the largest tensor of a layer's first half, is never stored.
"""

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
from kernels.gpu.linear import int8_product, tile_position
from kernels.gpu.tiles import Tile, qkv_tile


@triton.jit
def _norm_head(y, g_ptr, eps, D: tl.constexpr):
    """QK-norm of the rows of y f32 [BM, D]; zeros for a row of zeros."""
    a = tl.max(tl.abs(y), axis=1)
    shift = square_shift(a)
    squares = tl.sum(fixed_point_squares(y, shift[:, None]), axis=1)
    inv = tl.where(a < TINY_SQUARE, 0.0, inverse_rms(squares, a, shift, D, eps))
    return (y * inv[:, None]) * tl.load(g_ptr + tl.arange(0, D))[None, :]


@triton.jit
def _turn_quantize(y, position, cos_ptr, sin_ptr, BM: tl.constexpr, HALF: tl.constexpr):
    """Rotary position and Q8 of y f32 [BM, 2 * HALF]: the two halves int8 [BM, HALF] and the scales [BM]."""
    x1, x2 = tl.split(tl.permute(tl.reshape(y, (BM, 2, HALF)), (0, 2, 1)))
    at = position.to(tl.int64)[:, None] * HALF + tl.arange(0, HALF)[None, :]
    cos, sin = tl.load(cos_ptr + at), tl.load(sin_ptr + at)
    y1 = (x1 * cos) - (x2 * sin)
    y2 = (x2 * cos) + (x1 * sin)
    m = tl.maximum(tl.max(tl.abs(y1), axis=1), tl.max(tl.abs(y2), axis=1))
    r = row_reciprocal(m)[:, None]
    return rint(y1 * r).to(tl.int8), rint(y2 * r).to(tl.int8), row_scale(m)


@triton.jit
def _project_qkv(
    x_ptr, sx_ptr, w_ptr, sw_ptr, bias_ptr, position_ptr, slot_ptr, cos_ptr, sin_ptr, q_norm_ptr, k_norm_ptr,
    q_ptr, sq_ptr, k_ptr, sk_ptr, v_ptr, sv_ptr, M, K, eps,
    H: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, PAGE: tl.constexpr,
    BM: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr, BIAS: tl.constexpr, QK_NORM: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_position(M, (H + 2 * KV) * D, BM, D, 8)
    head = n0 // D
    rows = m0 + tl.arange(0, BM)
    inside = rows < M
    read_rows = tl.where(inside, rows, 0)
    columns = n0 + tl.arange(0, D)
    acc = int8_product(x_ptr, w_ptr, read_rows, columns, K, BM, D, BK, EVEN)
    y = (acc.to(tl.float32) * tl.load(sx_ptr + read_rows)[:, None]) * tl.load(sw_ptr + columns)[None, :]
    if BIAS:
        y = y + tl.load(bias_ptr + columns)[None, :]

    HALF: tl.constexpr = D // 2
    i = tl.arange(0, HALF)[None, :]
    # Slot -1 is padding: nothing is cached for it.
    slot = tl.load(slot_ptr + read_rows).to(tl.int64)
    cached = inside & (slot >= 0)
    page, offset = slot // PAGE, slot % PAGE
    if head < H:
        if QK_NORM:
            y = _norm_head(y, q_norm_ptr, eps, D)
        q1, q2, s = _turn_quantize(y, tl.load(position_ptr + read_rows), cos_ptr, sin_ptr, BM, HALF)
        entry = rows.to(tl.int64) * H + head
        tl.store(q_ptr + entry[:, None] * D + i, q1, mask=inside[:, None])
        tl.store(q_ptr + entry[:, None] * D + HALF + i, q2, mask=inside[:, None])
        tl.store(sq_ptr + entry, s, mask=inside)
    elif head < H + KV:
        if QK_NORM:
            y = _norm_head(y, k_norm_ptr, eps, D)
        q1, q2, s = _turn_quantize(y, tl.load(position_ptr + read_rows), cos_ptr, sin_ptr, BM, HALF)
        first = (page * KV + (head - H)) * PAGE
        key = (first + key_row_of(offset))[:, None] * D + i
        tl.store(k_ptr + key, q1, mask=cached[:, None])
        tl.store(k_ptr + key + HALF, q2, mask=cached[:, None])
        tl.store(sk_ptr + first + offset, s, mask=cached)
    else:
        m = tl.max(tl.abs(y), axis=1)
        v = rint(y * row_reciprocal(m)[:, None]).to(tl.int8)
        first = page * KV + (head - H - KV)
        value = (first[:, None] * D + tl.arange(0, D)[None, :]) * PAGE + offset[:, None]
        tl.store(v_ptr + value, v, mask=cached[:, None])
        tl.store(sv_ptr + first * PAGE + offset, row_scale(m), mask=cached)


def one_kernel_makes_qkv(head_dim: int) -> bool:
    """Whether a head can be the columns of a tile."""
    return head_dim >= 32 and head_dim & (head_dim - 1) == 0


def project_qkv(
    x: Tensor,
    sx: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    bias: Tensor | None,
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
    *,
    tile: Tile | None = None,
) -> None:
    """`linear` and `rope_quantize` in one, for a head_dim that is a power of two of 32 or more.

    x int8 [T, K], sx f32 [T], weight int8 [(H + 2 KV) * D, K] with weight_scale and bias f32; the rest as in
    `rope_quantize`. q has one row per token.
    """
    tokens, heads, head_dim = q.shape
    _, kv_heads, page, _ = k_pages.shape
    depth = x.shape[1]
    tile = tile or qkv_tile(tokens, head_dim)
    grid = (triton.cdiv(tokens, tile.rows) * (heads + 2 * kv_heads),)
    _project_qkv[grid](
        x, sx, weight, weight_scale, bias, positions, slots, cos, sin, q_norm, k_norm,
        q, sq, k_pages, sk_pages, v_pages, sv_pages, tokens, depth, eps,
        H=heads, KV=kv_heads, D=head_dim, PAGE=page, BM=tile.rows, BK=tile.depth,
        EVEN=depth % tile.depth == 0, BIAS=bias is not None, QK_NORM=q_norm is not None,
        num_warps=tile.warps, num_stages=tile.stages, **STRICT,
    )  # fmt: skip
