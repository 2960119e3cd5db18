"""The same reductions as Triton kernels whose tiles and loop order follow from the weights, not the batch."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

WANTED_PROGRAMS = 96  # of one product of few rows
LEAST_CHUNK = 512
MOST_PARALLEL_ROWS = 256
KEYS_OF_CHUNK = 256
LOG2E = tl.constexpr(math.log2(math.e))
DEPTH_OF_TILES = 64  # a multiple of every tile's depth


@triton.jit
def _matmul(
    a_ptr, b_ptr, bias_ptr, out_ptr, M, N, K, chunk,
    a_batch, a_row, a_k, b_batch, b_k, b_column, bias_row, bias_column,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    BIAS: tl.constexpr, PARALLEL: tl.constexpr, EVEN: tl.constexpr, ONE: tl.constexpr,
):  # fmt: skip
    pid = tl.program_id(0)
    row_blocks = tl.cdiv(M, BM)
    batch = tl.program_id(1).to(tl.int64)
    # Row blocks vary fastest: programs that run together share the columns of b.
    rows = (pid % row_blocks) * BM + tl.arange(0, BM)
    columns = (pid // row_blocks) * BN + tl.arange(0, BN)
    inside = (rows < M)[:, None] & (columns < N)[None, :]
    k = tl.arange(0, BK)
    read_rows = tl.where(rows < M, rows, 0).to(tl.int64)[:, None]
    read_columns = tl.where(columns < N, columns, 0).to(tl.int64)[None, :]
    a_ptrs = a_ptr + batch * a_batch + (read_rows * a_row + k[None, :] * a_k)
    b_ptrs = b_ptr + batch * b_batch + (read_columns * b_column + k[:, None] * b_k)
    if ONE or PARALLEL:  # one chunk needs one accumulator
        first = tl.program_id(2) * chunk
        total = tl.zeros((BM, BN), tl.float32)
        for start in range(first, tl.minimum(first + chunk, K), BK):
            if EVEN:
                a = tl.load(a_ptrs + start * a_k)
                b = tl.load(b_ptrs + start * b_k)
            else:
                a = tl.load(a_ptrs + start * a_k, mask=(start + k < K)[None, :], other=0.0)
                b = tl.load(b_ptrs + start * b_k, mask=(start + k < K)[:, None], other=0.0)
            total = tl.dot(a, b, total, input_precision="ieee")
    else:
        total = tl.zeros((BM, BN), tl.float32)
        for begin in range(0, K, chunk):
            acc = tl.zeros((BM, BN), tl.float32)
            for start in range(begin, tl.minimum(begin + chunk, K), BK):
                if EVEN:
                    a = tl.load(a_ptrs + start * a_k)
                    b = tl.load(b_ptrs + start * b_k)
                else:
                    a = tl.load(a_ptrs + start * a_k, mask=(start + k < K)[None, :], other=0.0)
                    b = tl.load(b_ptrs + start * b_k, mask=(start + k < K)[:, None], other=0.0)
                acc = tl.dot(a, b, acc, input_precision="ieee")
            total += acc
    if BIAS:
        bias_ptrs = bias_ptr + rows[:, None] * bias_row + columns[None, :] * bias_column
        total += tl.load(bias_ptrs, mask=inside, other=0.0).to(tl.float32)
    out_ptr += (tl.program_id(2) + batch) * M * N
    out = out_ptr + rows.to(tl.int64)[:, None] * N + columns[None, :]
    tl.store(out, total.to(out_ptr.dtype.element_ty), mask=inside)


@triton.jit
def _add_chunks(
    part_ptr,
    bias_ptr,
    out_ptr,
    N,
    size,
    chunks,
    bias_row,
    bias_column,
    BIAS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for chunk in range(chunks):
        total += tl.load(part_ptr + chunk * size + i, mask=i < size, other=0.0)
    if BIAS:
        bias = tl.load(bias_ptr + (i // N) * bias_row + (i % N) * bias_column, mask=i < size, other=0.0)
        total += bias.to(tl.float32)
    tl.store(out_ptr + i, total.to(out_ptr.dtype.element_ty), mask=i < size)


class Tile(NamedTuple):
    """Rows, columns and depth of a program's tile, its warps and its pipeline stages."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


def matmul_tile(rows: int, columns: int, chunks: int, wide: bool) -> Tile:
    """Tile of a product. Only its depth, which is fixed, has a part in the order of a sum."""
    if not wide:
        return Tile(32, 64, 32, 4, 2)
    if rows <= 16:
        return Tile(16, 64, 64, 4, 5)
    if rows <= 256:
        return Tile(64, 128 if columns >= 4096 else 64, 64, 4, 4)
    return Tile(128, 128, 64, 8, 3 if chunks == 1 else 4)


def matmul(a: Tensor, b: Tensor, bias: Tensor | None = None, tile: Tile | None = None) -> Tensor:
    """As `ordered.matmul`. A sum over K is the sum, in order, of the sums over its chunks.

    The chunks follow from N, K and the dtype, which are properties of the weights. Few rows take them in
    parallel and add them afterwards, many rows one after the other: the same additions.
    """
    batch, rows, depth = a.shape
    columns = b.shape[2]
    out = torch.empty(batch, rows, columns, dtype=a.dtype, device=a.device)
    if not out.numel():
        return out
    wide = a.dtype != torch.float32
    chunks = max(1, min(WANTED_PROGRAMS // triton.cdiv(columns, 64), depth // LEAST_CHUNK))
    chunk = triton.cdiv(triton.cdiv(depth, chunks), DEPTH_OF_TILES) * DEPTH_OF_TILES
    chunks = triton.cdiv(depth, chunk)
    parallel = chunks > 1 and batch == 1 and rows <= MOST_PARALLEL_ROWS
    if bias is not None:
        bias = bias.expand(rows, columns)
    bias_strides = bias.stride() if bias is not None else (0, 0)
    part = torch.empty(chunks, rows, columns, device=a.device) if parallel else out
    tile = tile or matmul_tile(rows, columns, chunks, wide)
    grid = (
        triton.cdiv(rows, tile.rows) * triton.cdiv(columns, tile.columns),
        batch,
        chunks if parallel else 1,
    )
    _matmul[grid](
        a, b, bias, part, rows, columns, depth, chunk, *a.stride(), *b.stride(), *bias_strides,
        BM=tile.rows, BN=tile.columns, BK=tile.depth, BIAS=bias is not None and not parallel,
        PARALLEL=parallel, EVEN=depth % tile.depth == 0, ONE=chunks == 1,
        num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    if parallel:
        size = rows * columns
        _add_chunks[(triton.cdiv(size, 1024),)](
            part, bias, out, columns, size, chunks, *bias_strides, BIAS=bias is not None, BLOCK=1024
        )
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
def _attend(
    acc, m, total, q, t, begin, end, k_ptr, v_ptr, mask_ptr, T, S, scale,
    k_s, k_d, v_s, v_d, m_s,
    D: tl.constexpr, DB: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, MASK: tl.constexpr, CHECKED: tl.constexpr,
):  # fmt: skip
    """Walks the keys [begin, end); CHECKED where some of them are not visible to all rows. Powers of two."""
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)[None, :]
    for start in range(begin, end, BN):
        s = start + n
        k_ptrs = k_ptr + s[None, :] * k_s + tl.trans(d) * k_d
        v_ptrs = v_ptr + s[:, None] * v_s + d * v_d
        if CHECKED or DB != D:
            k = tl.load(k_ptrs, mask=(s < S)[None, :] & (tl.trans(d) < D), other=0.0)
            v = tl.load(v_ptrs, mask=(s < S)[:, None] & (d < D), other=0.0)
        else:
            k = tl.load(k_ptrs)
            v = tl.load(v_ptrs)
        x = tl.dot(q, k, input_precision="ieee") * scale
        if MASK:
            added = tl.load(mask_ptr + s[None, :] * m_s, mask=(t < T)[:, None] & (s < S)[None, :], other=0.0)
            x += added.to(tl.float32) * LOG2E
        if CHECKED:
            visible = (s < S)[None, :]
            if CAUSAL:
                visible = visible & (s[None, :] <= t[:, None])
            x = tl.where(visible, x, float("-inf"))
        new = tl.maximum(m, tl.max(x, axis=1))
        # Only a row that has seen no key yet has no maximum.
        safe = tl.where(new == float("-inf"), 0.0, new) if CHECKED or MASK else new
        keep = tl.exp2(m - safe)
        p = tl.exp2(x - safe[:, None])
        total = total * keep + tl.sum(p, axis=1)
        acc = tl.dot(p.to(v.dtype), v, acc * keep[:, None], input_precision="ieee")
        m = new
    return acc, m, total


@triton.jit
def _attention(
    q_ptr, k_ptr, v_ptr, mask_ptr, out_ptr, best_ptr, total_ptr, T, S, KV, G, chunk, scale,
    q_b, q_h, q_t, q_d, k_b, k_h, k_s, k_d, v_b, v_h, v_s, v_d, m_b, m_h, m_t, m_s,
    D: tl.constexpr, DB: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, MASK: tl.constexpr, PARTIAL: tl.constexpr,
):  # fmt: skip
    # A program's rows are the query heads that share a key head, for several tokens: row = token * G + head.
    batch, kv_head = (tl.program_id(1) // KV).to(tl.int64), (tl.program_id(1) % KV).to(tl.int64)
    # Later rows see more keys, so they come first.
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    row = block * BM + tl.arange(0, BM)
    t, head = row // G, kv_head * G + row % G
    d = tl.arange(0, DB)[None, :]
    q_in = (t < T)[:, None] & (d < D)
    q = tl.load(q_ptr + batch * q_b + (head * q_h + t * q_t)[:, None] + d * q_d, mask=q_in, other=0.0)
    k_ptr += batch * k_b + kv_head * k_h
    v_ptr += batch * v_b + kv_head * v_h
    if MASK:
        mask_ptr += batch * m_b + (head * m_h + t * m_t)[:, None]
    m = tl.full((BM,), float("-inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, DB), tl.float32)
    first = tl.program_id(2) * chunk
    end = tl.minimum(S, first + chunk)
    seen_by_all = end
    if CAUSAL:
        end = tl.minimum(end, ((block + 1) * BM - 1) // G + 1)
        seen_by_all = tl.minimum(end, block * BM // G + 1)
    full = first + tl.maximum(seen_by_all - first, 0) // BN * BN
    acc, m, total = _attend(
        acc, m, total, q, t, first, full, k_ptr, v_ptr, mask_ptr, T, S, scale,
        k_s, k_d, v_s, v_d, m_s, D, DB, BN, CAUSAL, MASK, False,
    )  # fmt: skip
    acc, m, total = _attend(
        acc, m, total, q, t, full, end, k_ptr, v_ptr, mask_ptr, T, S, scale,
        k_s, k_d, v_s, v_d, m_s, D, DB, BN, CAUSAL, MASK, True,
    )  # fmt: skip
    at = (batch * KV * G + head) * T + t
    if PARTIAL:
        at += tl.program_id(2).to(tl.int64) * tl.num_programs(1) * G * T
        tl.store(best_ptr + at, m, mask=t < T)
        tl.store(total_ptr + at, total, mask=t < T)
    else:
        acc = acc / total[:, None]
    tl.store(out_ptr + at[:, None] * D + d, acc.to(out_ptr.dtype.element_ty), mask=q_in)


@triton.jit
def _merge_chunks(part_ptr, best_ptr, total_ptr, out_ptr, chunks, D: tl.constexpr, DB: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    rows = tl.num_programs(0)
    d = tl.arange(0, DB)
    best = tl.load(best_ptr + row)
    for chunk in range(1, chunks):
        best = tl.maximum(best, tl.load(best_ptr + chunk * rows + row))
    best = tl.where(best == float("-inf"), 0.0, best)
    total = 0.0
    acc = tl.zeros((DB,), tl.float32)
    for chunk in range(chunks):
        at = chunk * rows + row
        keep = tl.exp2(tl.load(best_ptr + at) - best)
        total += tl.load(total_ptr + at) * keep
        acc += tl.load(part_ptr + at * D + d, mask=d < D, other=0.0) * keep
    tl.store(out_ptr + row * D + d, (acc / total).to(out_ptr.dtype.element_ty), mask=d < D)


def attention_tile(few: bool, wide: bool) -> Tile:
    """Rows and keys of a program. The keys, which have a part in the order, follow from the dtype alone."""
    if not wide:
        return Tile(16 if few else 32, 32, 0, 4, 2)
    return Tile(16, 64, 0, 4, 2) if few else Tile(128, 64, 0, 8, 2)


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    causal: bool,
    scale: float | None,
    tile: Tile | None = None,
) -> Tensor:
    """As `ordered.attention`: flash attention that walks the keys from the first.

    Few query tokens (a decode step) take the keys in chunks of a fixed length, in parallel, merged in order.
    So a row's bits may follow from the number of query tokens and of keys, never from the batch.
    """
    batch, heads, queries, dim = q.shape
    keys, kv = k.shape[2], k.shape[1]
    out = torch.empty(batch, heads, queries, dim, dtype=q.dtype, device=q.device)
    if not out.numel():
        return out
    group = heads // kv
    few = queries * group <= 16
    tile = tile or attention_tile(few, q.dtype != torch.float32)
    chunks = triton.cdiv(keys, KEYS_OF_CHUNK) if few else 1
    partial = chunks > 1
    part = torch.empty(chunks, *out.shape, device=q.device) if partial else out
    best = torch.empty(2, chunks, batch * heads * queries, device=q.device) if partial else [None, None]
    _attention[(triton.cdiv(queries * group, tile.rows), batch * kv, chunks)](
        q, k, v, mask, part, best[0], best[1], queries, keys, kv, group, KEYS_OF_CHUNK if partial else keys,
        (1 / math.sqrt(dim) if scale is None else scale) * math.log2(math.e),
        *q.stride(), *k.stride(), *v.stride(), *(mask.stride() if mask is not None else (0, 0, 0, 0)),
        D=dim, DB=max(16, triton.next_power_of_2(dim)), BM=tile.rows, BN=tile.columns,
        CAUSAL=causal, MASK=mask is not None, PARTIAL=partial,
        num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    if partial:
        _merge_chunks[(batch * heads * queries,)](
            part, best[0], best[1], out, chunks, D=dim, DB=triton.next_power_of_2(dim), num_warps=1
        )
    return out


def _block(width: int) -> int:
    return min(4096, max(32, triton.next_power_of_2(width)))
