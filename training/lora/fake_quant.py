"""The serving quantiser as training sees it: the forward pass rounds as `kernels/NUMERICS.md` says, and the
gradient passes straight through.

Products of int8 values run in bfloat16 on a GPU, which holds ±127 exactly, and accumulate in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

TINY = 2.0**-100


def product_type(x: Tensor) -> torch.dtype:
    """bfloat16 where there are tensor cores, else float32, which CPUs multiply faster."""
    return torch.bfloat16 if x.is_cuda else torch.float32


def quantize_rows(z: Tensor) -> tuple[Tensor, Tensor]:
    """z [..., K] → q float32 [..., K] of whole values in ±127, s float32 [..., 1] (`Q8` of the contract)."""
    z = z.float()
    size = z.abs().amax(dim=-1, keepdim=True)
    live = size >= TINY
    q = torch.round(z * torch.where(live, 127.0 / size, 0.0))
    return q, torch.where(live, size * (1.0 / 127.0), 0.0)


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        q, s = quantize_rows(z)
        return (q * s).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


def round_rows(z: Tensor) -> Tensor:
    """z [..., K] → its int8 value per row, in z's dtype; the gradient is that of the identity."""
    return _Rounded.apply(z)  # type: ignore[no-untyped-call]


class _Linear8(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        qx, sx = quantize_rows(x)
        qw, sw = quantize_rows(w)
        half = product_type(x)
        acc = qx.to(half) @ qw.to(half).T
        ctx.save_for_backward(qx.to(torch.int8), sx, qw.to(torch.int8), sw)
        ctx.dtypes = (x.dtype, w.dtype)
        return (acc.float() * sx * sw.T).to(half)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        qx, sx, qw, sw = ctx.saved_tensors
        half = product_type(qx)
        grad = grad.to(half)
        x = (qx.float() * sx).to(half)
        w = (qw.float() * sw).to(half)
        return (grad @ w).to(ctx.dtypes[0]), (grad.T @ x).to(ctx.dtypes[1])


def linear8(x: Tensor, w: Tensor) -> Tensor:
    """x [T, K], w [N, K] float → [T, N] of `product_type`, both operands rounded to int8 rows."""
    return _Linear8.apply(x, w)  # type: ignore[no-untyped-call]


def served_factors(a: Tensor, b: Tensor, scaling: float) -> tuple[Tensor, Tensor]:
    """LoRA factors a [r, K], b [N, r] as `derive.adapter.quantize_factors` keeps them, `scaling` inside b.

    The forward value is that of the int8 factors, the gradient passes straight through.
    """
    b = b * scaling
    with torch.no_grad():
        column = b.abs().amax(0)
        column = torch.where(column == 0, 1.0, column)
        bn, an = b / column, a * column[:, None]
        scale = bn.abs().amax(1, keepdim=True).half().float()
        size = an.abs().amax(1, keepdim=True) / 127.0
        b8 = (torch.round(bn * 127.0 / torch.where(scale == 0, 1.0, scale))).clamp(-127, 127)
        a8 = torch.round(an / torch.where(size == 0, 1.0, size)).clamp(-127, 127)
        a_off = a8 * size / column[:, None] - a
        b_off = b8 * scale / 127.0 * column - b
    return a + a_off, b + b_off
