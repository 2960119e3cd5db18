"""int8 matrix product with row and column scales, and its fused epilogues: bias, residual, argmax."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT
from kernels.gpu.tiles import Tile, matmul_tile

LOWEST_KEY = -(2**63)


@triton.jit
def tile_position(M, N, BM: tl.constexpr, BN: tl.constexpr, GROUP: tl.constexpr):
    """This program's first row and column. GROUP row blocks share the columns they read, from L2."""
    pid = tl.program_id(0)
    row_blocks = tl.cdiv(M, BM)
    column_blocks = tl.cdiv(N, BN)
    per_group = GROUP * column_blocks
    first = (pid // per_group) * GROUP
    size = tl.minimum(row_blocks - first, GROUP)
    inner = pid % per_group
    return (first + inner % size) * BM, (inner // size) * BN


@triton.jit
def int8_product(
    x_ptr, w_ptr, rows, columns, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr
):
    """int32 [BM, BN] of x[rows] . w[columns] over K; both operands are K-major, as wgmma wants 8-bit ones."""
    k = tl.arange(0, BK)
    x_ptrs = x_ptr + rows[:, None] * K + k[None, :]
    w_ptrs = w_ptr + columns[None, :] * K + k[:, None]
    acc = tl.zeros((BM, BN), tl.int32)
    for start in range(0, K, BK):
        if EVEN:
            x = tl.load(x_ptrs)
            w = tl.load(w_ptrs)
        else:
            x = tl.load(x_ptrs, mask=(start + k < K)[None, :], other=0)
            w = tl.load(w_ptrs, mask=(start + k < K)[:, None], other=0)
        acc = tl.dot(x, w, acc, out_dtype=tl.int32)
        x_ptrs += BK
        w_ptrs += BK
    return acc


@triton.jit
def _linear(
    x_ptr, sx_ptr, w_ptr, sw_ptr, bias_ptr, ids_ptr, out_ptr, M, N, K,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr,
    BIAS: tl.constexpr, RESIDUAL: tl.constexpr, IDS: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_position(M, N, BM, BN, 8)
    rows = m0 + tl.arange(0, BM)
    columns = n0 + tl.arange(0, BN)
    row_in, column_in = rows < M, columns < N
    read_rows = tl.where(row_in, rows, 0)
    read_columns = tl.where(column_in, columns, 0)
    if IDS:
        read_columns = tl.load(ids_ptr + read_columns)
    acc = int8_product(x_ptr, w_ptr, read_rows, read_columns, K, BM, BN, BK, EVEN)
    y = (acc.to(tl.float32) * tl.load(sx_ptr + read_rows)[:, None]) * tl.load(sw_ptr + read_columns)[None, :]
    if BIAS:
        y = y + tl.load(bias_ptr + read_columns)[None, :]
    out = out_ptr + rows.to(tl.int64)[:, None] * N + columns[None, :]
    inside = row_in[:, None] & column_in[None, :]
    if RESIDUAL:
        y = tl.load(out, mask=inside, other=0.0) + y
    tl.store(out, y, mask=inside)


def linear(
    q: Tensor,
    s: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    out: Tensor,
    *,
    bias: Tensor | None = None,
    add: bool = False,
    ids: Tensor | None = None,
    tile: Tile | None = None,
) -> None:
    """Linear of the contract. q int8 [T, K], s f32 [T], weight int8 [N, K], weight_scale and bias f32 [N].

    Writes out f32 [T, N]; with `add`, adds to it (the residual). With `ids` int32 [n], only those rows of the
    weight take part and out is [T, n]: the same bits as those columns of the whole product.
    """
    rows, depth = q.shape
    columns = out.shape[1]
    tile = tile or matmul_tile(rows, columns, depth)
    grid = (triton.cdiv(rows, tile.rows) * triton.cdiv(columns, tile.columns),)
    _linear[grid](
        q, s, weight, weight_scale, bias, ids, out, rows, columns, depth,
        EVEN=depth % tile.depth == 0, BIAS=bias is not None, RESIDUAL=add, IDS=ids is not None,
        **tile.options(), **STRICT,
    )  # fmt: skip


@triton.jit
def _linear_argmax(
    x_ptr, sx_ptr, w_ptr, sw_ptr, ids_ptr, key_ptr, M, N, K,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr, IDS: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_position(M, N, BM, BN, 8)
    rows = m0 + tl.arange(0, BM)
    columns = n0 + tl.arange(0, BN)
    row_in, column_in = rows < M, columns < N
    read_rows = tl.where(row_in, rows, 0)
    read_columns = tl.where(column_in, columns, 0)
    if IDS:
        read_columns = tl.load(ids_ptr + read_columns)
    acc = int8_product(x_ptr, w_ptr, read_rows, read_columns, K, BM, BN, BK, EVEN)
    y = (acc.to(tl.float32) * tl.load(sx_ptr + read_rows)[:, None]) * tl.load(sw_ptr + read_columns)[None, :]

    # One integer that orders like (logit, then lower id first): its maximum over all tiles has no order.
    bits = (y + 0.0).to(tl.int32, bitcast=True)  # + 0.0 makes -0 equal to 0, as a comparison does
    ordered = tl.where(bits >= 0, bits, bits ^ 0x7FFFFFFF).to(tl.int64)
    key = (ordered << 32) | (0x7FFFFFFF - read_columns)[None, :].to(tl.int64)
    key = tl.where(column_in[None, :], key, -(2**63))
    tl.atomic_max(key_ptr + rows, tl.max(key, axis=1), mask=row_in, sem="relaxed")


def linear_argmax(
    q: Tensor,
    s: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    *,
    ids: Tensor | None = None,
    tile: Tile | None = None,
) -> Tensor:
    """Id of the largest logit of each row, the lowest id on a tie: int64 [T]. Logits are never stored.

    q int8 [T, K], s f32 [T], weight int8 [V, K], weight_scale f32 [V]; ids int32 [n] restricts the choice.
    """
    rows, depth = q.shape
    columns = weight.shape[0] if ids is None else ids.numel()
    tile = tile or matmul_tile(rows, columns, depth)
    keys = torch.full((rows,), LOWEST_KEY, dtype=torch.int64, device=q.device)
    grid = (triton.cdiv(rows, tile.rows) * triton.cdiv(columns, tile.columns),)
    _linear_argmax[grid](
        q, s, weight, weight_scale, ids, keys, rows, columns, depth,
        EVEN=depth % tile.depth == 0, IDS=ids is not None, **tile.options(), **STRICT,
    )  # fmt: skip
    return 0x7FFFFFFF - (keys & 0xFFFFFFFF)
