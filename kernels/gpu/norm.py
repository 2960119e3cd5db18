"""RMSNorm fused with the quantiser, and the plain row quantiser."""

from __future__ import annotations

import torch
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


@triton.jit
def _rms_norm_quantize(
    x_ptr, g_ptr, q_ptr, s_ptr, zero_ptr, width, eps, BLOCK: tl.constexpr, ZERO: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    d = tl.arange(0, BLOCK)
    inside = d < width
    x = tl.load(x_ptr + row * width + d, mask=inside, other=0.0)
    g = tl.load(g_ptr + d, mask=inside, other=0.0)

    a = tl.max(tl.abs(x), axis=0)
    shift = square_shift(a)
    inv = inverse_rms(tl.sum(fixed_point_squares(x, shift), axis=0), a, shift, width, eps)

    # The reciprocal root is common to the row: it goes into the scale only.
    z = x * g
    m = tl.where(a < TINY_SQUARE, 0.0, tl.max(tl.abs(z), axis=0))
    q = rint(z * row_reciprocal(m))
    tl.store(q_ptr + row * width + d, q.to(tl.int8), mask=inside)
    tl.store(s_ptr + row, row_scale(m) * inv)
    if ZERO:
        tl.store(zero_ptr + row, 0)


def rms_norm_quantize(
    x: Tensor, g: Tensor, eps: float, q: Tensor, s: Tensor, zero: Tensor | None = None
) -> None:
    """NQ of the contract: x f32 [T, D], g f32 [D] -> writes q int8 [T, D] and s f32 [T].

    `zero` int32 [T], where given, is cleared on the way: the next kernel collects row maxima in it.
    """
    rows, width = x.shape
    # A warp for each of many narrow rows: they keep the device busy, and its sums cross no warps.
    warps = 1 if rows > 1024 and width <= 1024 else 4
    _rms_norm_quantize[(rows,)](
        x, g, q, s, zero, width, eps,
        BLOCK=triton.next_power_of_2(width), ZERO=zero is not None, num_warps=warps, **STRICT,
    )  # fmt: skip


@triton.jit
def _quantize_rows(z_ptr, q_ptr, s_ptr, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    d = tl.arange(0, BLOCK)
    inside = d < width
    z = tl.load(z_ptr + row * width + d, mask=inside, other=0.0)
    m = tl.max(tl.abs(z), axis=0)
    q = rint(z * row_reciprocal(m))
    tl.store(q_ptr + row * width + d, q.to(tl.int8), mask=inside)
    tl.store(s_ptr + row, row_scale(m))


def quantize_rows(z: Tensor, q: Tensor, s: Tensor) -> None:
    """Q8 of the contract: z f32 [T, N] -> writes q int8 [T, N] and s f32 [T]."""
    rows, width = z.shape
    _quantize_rows[(rows,)](z, q, s, width, BLOCK=triton.next_power_of_2(width), num_warps=4, **STRICT)


@triton.jit
def _quantize_with_max(z_ptr, m_ptr, q_ptr, s_ptr, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1)
    d = block * BLOCK + tl.arange(0, BLOCK)
    inside = d < width
    z = tl.load(z_ptr + row * width + d, mask=inside, other=0.0)
    m = tl.load(m_ptr + row).to(tl.float32, bitcast=True)
    q = rint(z * row_reciprocal(m))
    tl.store(q_ptr + row * width + d, q.to(tl.int8), mask=inside)
    if block == 0:
        tl.store(s_ptr + row, row_scale(m))


def quantize_with_max(z: Tensor, row_max: Tensor, q: Tensor, s: Tensor) -> None:
    """Q8 of rows whose max|z| is known: z f32 [T, N], row_max int32 [T] (float32 bits) -> q int8, s f32."""
    rows, width = z.shape
    block = min(2048, triton.next_power_of_2(width))
    _quantize_with_max[(rows, triton.cdiv(width, block))](
        z, row_max, q, s, width, BLOCK=block, num_warps=4, **STRICT
    )


def scratch_rows(rows: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Uninitialised (q int8 [rows, width], s f32 [rows]) for the quantisers to fill."""
    return (
        torch.empty(rows, width, dtype=torch.int8, device=device),
        torch.empty(rows, dtype=torch.float32, device=device),
    )
