"""The last step of attention: splits are combined, scaled and quantised over the heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT, rint, row_reciprocal, row_scale


@dataclass(frozen=True, slots=True)
class Sums:
    """Partial results of attention, by split and by entry = token * heads + head."""

    output: Tensor  # one split: f32 [entries, D]; else int32 [splits, entries, D], the high digits' sums
    low: Tensor | None
    total: Tensor | None
    maxima: Tensor  # f32 [splits, entries]
    value_scales: Tensor  # f32 [splits, entries]

    @classmethod
    def allocate(cls, splits: int, tokens: int, heads: int, head_dim: int, device: torch.device) -> Sums:
        """Uninitialised buffers on `device`."""
        entries = tokens * heads
        maxima = torch.empty(splits, entries, device=device)
        value_scales = torch.empty_like(maxima)
        if splits == 1:
            output = torch.empty(entries, head_dim, device=device)
            return cls(output, None, None, maxima, value_scales)
        high = torch.empty(splits, entries, head_dim, dtype=torch.int32, device=device)
        total = torch.empty(splits, entries, dtype=torch.int32, device=device)
        return cls(high, torch.empty_like(high), total, maxima, value_scales)


@triton.jit
def output_of_sums(high_sum, low_sum, total, sv_max):
    """o = f32(W) * (SV / f32(L)), W = 256 * high + low in int64; 0 where SV is 0."""
    w = high_sum.to(tl.int64) * 256 + low_sum.to(tl.int64)
    o = w.to(tl.float32) * tl.div_rn(sv_max, total.to(tl.float32))
    return tl.where(sv_max == 0, 0.0, o)


@triton.jit
def _combine_quantize(
    high_ptr, low_ptr, total_ptr, sv_max_ptr, o_ptr, q_ptr, s_ptr, entries,
    H: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, HEADS: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)
    d = tl.arange(0, DB)[None, :]
    here = head < H
    flat = token * H + tl.where(here, head, 0)
    inside = here[:, None] & (d < D)
    if SPLITS == 1:
        o = tl.load(o_ptr + flat[:, None] * D + d, mask=inside, other=0.0)
    else:
        high_sum = tl.zeros((HEADS, DB), tl.int32)
        low_sum = tl.zeros((HEADS, DB), tl.int32)
        total = tl.zeros((HEADS,), tl.int32)
        sv_max = tl.zeros((HEADS,), tl.float32)
        for split in range(SPLITS):
            at = split * entries + flat
            high_sum += tl.load(high_ptr + at[:, None] * D + d, mask=inside, other=0)
            low_sum += tl.load(low_ptr + at[:, None] * D + d, mask=inside, other=0)
            total += tl.load(total_ptr + at)
            sv_max = tl.maximum(sv_max, tl.load(sv_max_ptr + at))
        o = output_of_sums(high_sum, low_sum, total[:, None], sv_max[:, None])
    m = tl.max(tl.max(tl.abs(o), axis=1), axis=0)
    q = rint(o * row_reciprocal(m))
    tl.store(q_ptr + flat[:, None] * D + d, q.to(tl.int8), mask=inside)
    tl.store(s_ptr + token, row_scale(m))


def combine_quantize(sums: Sums, q: Tensor, s: Tensor, heads: int) -> None:
    """Adds the splits, and Q8 over the heads side by side: writes q int8 [T, H * D] and s f32 [T]."""
    tokens, width = q.shape
    dim = width // heads
    splits = sums.maxima.shape[0]
    _combine_quantize[(tokens,)](
        sums.output, sums.low, sums.total, sums.value_scales, sums.output,
        q, s, tokens * heads, H=heads, D=dim, DB=triton.next_power_of_2(dim),
        HEADS=triton.next_power_of_2(heads), SPLITS=splits, num_warps=4, **STRICT,
    )  # fmt: skip
