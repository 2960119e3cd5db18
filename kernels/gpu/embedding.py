"""Embedding lookup of an int8 table with one scale a row."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT


@triton.jit
def _embedding(ids_ptr, w_ptr, s_ptr, x_ptr, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    d = tl.arange(0, BLOCK)
    inside = d < width
    token = tl.load(ids_ptr + row).to(tl.int64)
    w = tl.load(w_ptr + token * width + d, mask=inside, other=0)
    s = tl.load(s_ptr + token)
    tl.store(x_ptr + row * width + d, w.to(tl.float32) * s, mask=inside)


def embedding(ids: Tensor, weight: Tensor, scale: Tensor, x: Tensor) -> None:
    """ids int32 [T], weight int8 [V, D], scale f32 [V] -> writes x f32 [T, D]."""
    rows, width = x.shape
    _embedding[(rows,)](
        ids, weight, scale, x, width, BLOCK=triton.next_power_of_2(width), num_warps=4, **STRICT
    )
