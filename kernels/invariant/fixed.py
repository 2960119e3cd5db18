"""The same reductions as Triton kernels whose tiles and loop order follow from the weights, not the batch."""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _matmul(
    a_ptr, b_ptr, bias_ptr, out_ptr, M, N, K,
    a_batch, a_row, a_k, b_batch, b_k, b_column, bias_row, bias_column,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, BIAS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    pid = tl.program_id(0)
    row_blocks = tl.cdiv(M, BM)
    batch = tl.program_id(1).to(tl.int64)
    # Row blocks vary fastest: programs that run together share the columns of b.
    rows = (pid % row_blocks) * BM + tl.arange(0, BM)
    columns = (pid // row_blocks) * BN + tl.arange(0, BN)
    row_in, column_in = (rows < M)[:, None], (columns < N)[None, :]
    k = tl.arange(0, BK)
    a_ptrs = (
        a_ptr
        + batch * a_batch
        + (tl.where(rows < M, rows, 0).to(tl.int64)[:, None] * a_row + k[None, :] * a_k)
    )
    b_ptrs = (
        b_ptr
        + batch * b_batch
        + (tl.where(columns < N, columns, 0).to(tl.int64)[None, :] * b_column + k[:, None] * b_k)
    )
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        a = tl.load(a_ptrs, mask=(start + k < K)[None, :], other=0.0)
        b = tl.load(b_ptrs, mask=(start + k < K)[:, None], other=0.0)
        acc = tl.dot(a, b, acc, input_precision=PRECISION)
        a_ptrs += BK * a_k
        b_ptrs += BK * b_k
    inside = row_in & column_in
    if BIAS:
        bias = tl.load(
            bias_ptr + rows[:, None] * bias_row + columns[None, :] * bias_column, mask=inside, other=0.0
        )
        acc += bias.to(tl.float32)
    out = out_ptr + batch * M * N + rows.to(tl.int64)[:, None] * N + columns[None, :]
    tl.store(out, acc.to(out_ptr.dtype.element_ty), mask=inside)


def matmul(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """As `ordered.matmul`. The tile follows from N, K and the dtype: properties of the weights."""
    batch, rows, depth = a.shape
    columns = b.shape[2]
    out = torch.empty(batch, rows, columns, dtype=a.dtype, device=a.device)
    if not out.numel():
        return out
    wide = a.dtype != torch.float32
    block = (64, 128 if columns >= 4096 else 64, 64) if wide else (32, 64, 32)
    if bias is not None:
        bias = bias.expand(rows, columns)
    grid = (triton.cdiv(rows, block[0]) * triton.cdiv(columns, block[1]), batch)
    _matmul[grid](
        a, b, bias, out, rows, columns, depth, *a.stride(), *b.stride(),
        *(bias.stride() if bias is not None else (0, 0)),
        BM=block[0], BN=block[1], BK=block[2], BIAS=bias is not None,
        PRECISION="ieee", num_warps=4, num_stages=4 if wide else 2,
    )  # fmt: skip
    return out


@triton.jit
def _row_sum(x_ptr, out_ptr, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, width, BLOCK):
        total += tl.load(x_ptr + row * width + start + n, mask=start + n < width, other=0.0).to(tl.float32)
    tl.store(out_ptr + row, tl.sum(total, axis=0))


def row_sum(x: Tensor) -> Tensor:
    """x [R, N], contiguous -> [R] in float32."""
    rows, width = x.shape
    out = torch.empty(rows, dtype=torch.float32, device=x.device)
    if rows:
        _row_sum[(rows,)](x, out, width, BLOCK=_block(width), num_warps=4)
    return out


@triton.jit
def _softmax(x_ptr, out_ptr, width, LOG: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    x_ptr += row * width
    best = tl.full((BLOCK,), float("-inf"), tl.float32)
    for start in range(0, width, BLOCK):
        x = tl.load(x_ptr + start + n, mask=start + n < width, other=float("-inf")).to(tl.float32)
        best = tl.maximum(best, x)
    m = tl.max(best, axis=0)
    sums = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, width, BLOCK):
        x = tl.load(x_ptr + start + n, mask=start + n < width, other=float("-inf")).to(tl.float32)
        sums += tl.exp(x - m)
    total = tl.sum(sums, axis=0)
    for start in range(0, width, BLOCK):
        x = tl.load(x_ptr + start + n, mask=start + n < width, other=0.0).to(tl.float32)
        y = (x - m) - tl.log(total) if LOG else tl.exp(x - m) / total
        out = out_ptr + row * width + start + n
        tl.store(out, y.to(out_ptr.dtype.element_ty), mask=start + n < width)


def softmax(x: Tensor, log: bool) -> Tensor:
    """x [R, N], contiguous -> softmax or log-softmax of each row, in x's dtype."""
    out = torch.empty_like(x)
    if x.numel():
        _softmax[(x.shape[0],)](x, out, x.shape[1], LOG=log, BLOCK=_block(x.shape[1]), num_warps=4)
    return out


@triton.jit
def _rms_norm(x_ptr, weight_ptr, out_ptr, width, eps, WEIGHT: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    squares = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, width, BLOCK):
        x = tl.load(x_ptr + row * width + start + n, mask=start + n < width, other=0.0).to(tl.float32)
        squares += x * x
    scale = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / width + eps)
    for start in range(0, width, BLOCK):
        inside = start + n < width
        y = tl.load(x_ptr + row * width + start + n, mask=inside, other=0.0).to(tl.float32) * scale
        if WEIGHT:
            y *= tl.load(weight_ptr + start + n, mask=inside, other=0.0).to(tl.float32)
        tl.store(out_ptr + row * width + start + n, y.to(out_ptr.dtype.element_ty), mask=inside)


def rms_norm(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """x [R, N], contiguous, weight [N] -> in x's dtype."""
    out = torch.empty_like(x)
    if x.numel():
        _rms_norm[(x.shape[0],)](
            x, weight, out, x.shape[1], eps, WEIGHT=weight is not None, BLOCK=_block(x.shape[1]), num_warps=4
        )
    return out


@triton.jit
def _attention(
    q_ptr, k_ptr, v_ptr, mask_ptr, out_ptr, T, S, H, G, scale,
    q_b, q_h, q_t, q_d, k_b, k_h, k_s, k_d, v_b, v_h, v_s, v_d, m_b, m_h, m_t, m_s,
    D: tl.constexpr, DB: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, MASK: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    batch, head = (tl.program_id(1) // H).to(tl.int64), (tl.program_id(1) % H).to(tl.int64)
    t = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)
    q_in = (t < T)[:, None] & (d < D)[None, :]
    q = tl.load(q_ptr + batch * q_b + head * q_h + t[:, None] * q_t + d[None, :] * q_d, mask=q_in, other=0.0)
    k_ptr += batch * k_b + (head // G) * k_h
    v_ptr += batch * v_b + (head // G) * v_h
    m = tl.full((BM,), float("-inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, DB), tl.float32)
    end = tl.minimum(S, (tl.program_id(0) + 1) * BM) if CAUSAL else S
    for start in range(0, end, BN):
        s = start + n
        k = tl.load(
            k_ptr + s[None, :] * k_s + d[:, None] * k_d, mask=(s < S)[None, :] & (d < D)[:, None], other=0.0
        )
        x = tl.dot(q, k, input_precision=PRECISION) * scale
        if MASK:
            inside = (t < T)[:, None] & (s < S)[None, :]
            x += tl.load(
                mask_ptr + batch * m_b + head * m_h + t[:, None] * m_t + s[None, :] * m_s,
                mask=inside,
                other=0.0,
            ).to(tl.float32)
        visible = (s < S)[None, :]
        if CAUSAL:
            visible = visible & (s[None, :] <= t[:, None])
        x = tl.where(visible, x, float("-inf"))
        new = tl.maximum(m, tl.max(x, axis=1))
        safe = tl.where(new == float("-inf"), 0.0, new)
        keep = tl.exp(m - safe)
        p = tl.exp(x - safe[:, None])
        total = total * keep + tl.sum(p, axis=1)
        v = tl.load(
            v_ptr + s[:, None] * v_s + d[None, :] * v_d, mask=(s < S)[:, None] & (d < D)[None, :], other=0.0
        )
        acc = tl.dot(p.to(v.dtype), v, acc * keep[:, None], input_precision=PRECISION)
        m = new
    out = acc / total[:, None]
    at = out_ptr + ((batch * H + head) * T + t[:, None]) * D + d[None, :]
    tl.store(at, out.to(out_ptr.dtype.element_ty), mask=q_in)


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None
) -> Tensor:
    """As `ordered.attention`: flash attention that always walks the keys from the first, in blocks of 64."""
    batch, heads, queries, dim = q.shape
    out = torch.empty(batch, heads, queries, dim, dtype=q.dtype, device=q.device)
    if not out.numel():
        return out
    wide = q.dtype != torch.float32
    rows = 64 if wide else 32
    _attention[(triton.cdiv(queries, rows), batch * heads)](
        q, k, v, mask, out, queries, k.shape[2], heads, heads // k.shape[1],
        1 / math.sqrt(dim) if scale is None else scale,
        *q.stride(), *k.stride(), *v.stride(), *(mask.stride() if mask is not None else (0, 0, 0, 0)),
        D=dim, DB=max(16, triton.next_power_of_2(dim)), BM=rows, BN=rows, CAUSAL=causal,
        MASK=mask is not None, PRECISION="ieee", num_warps=4, num_stages=2,
    )  # fmt: skip
    return out


def _block(width: int) -> int:
    return min(4096, max(32, triton.next_power_of_2(width)))
