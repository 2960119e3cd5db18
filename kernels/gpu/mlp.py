"""The MLP's first half in one kernel: gate and up products, SiLU times up, and the quantiser's row maxima."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT, silu_mul
from kernels.gpu.linear import tile_position
from kernels.gpu.tiles import Tile, gate_up_tile


@triton.jit
def _gate_up(
    x_ptr, sx_ptr, wg_ptr, sg_ptr, wu_ptr, su_ptr, h_ptr, max_ptr, M, N, K,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    m0, n0 = tile_position(M, N, BM, BN, 8)
    rows = m0 + tl.arange(0, BM)
    columns = n0 + tl.arange(0, BN)
    row_in, column_in = rows < M, columns < N
    read_rows = tl.where(row_in, rows, 0)
    read_columns = tl.where(column_in, columns, 0)
    k = tl.arange(0, BK)
    x_ptrs = x_ptr + read_rows[:, None] * K + k[None, :]
    w_offsets = read_columns[None, :] * K + k[:, None]
    g_ptrs, u_ptrs = wg_ptr + w_offsets, wu_ptr + w_offsets
    gate = tl.zeros((BM, BN), tl.int32)
    up = tl.zeros((BM, BN), tl.int32)
    for start in range(0, K, BK):
        if EVEN:
            x, wg, wu = tl.load(x_ptrs), tl.load(g_ptrs), tl.load(u_ptrs)
        else:
            x = tl.load(x_ptrs, mask=(start + k < K)[None, :], other=0)
            wg = tl.load(g_ptrs, mask=(start + k < K)[:, None], other=0)
            wu = tl.load(u_ptrs, mask=(start + k < K)[:, None], other=0)
        gate = tl.dot(x, wg, gate, out_dtype=tl.int32)
        up = tl.dot(x, wu, up, out_dtype=tl.int32)
        x_ptrs += BK
        g_ptrs += BK
        u_ptrs += BK

    sx = tl.load(sx_ptr + read_rows)[:, None]
    g = (gate.to(tl.float32) * sx) * tl.load(sg_ptr + read_columns)[None, :]
    u = (up.to(tl.float32) * sx) * tl.load(su_ptr + read_columns)[None, :]
    inside = row_in[:, None] & column_in[None, :]
    h = tl.where(inside, silu_mul(g, u), 0.0)
    tl.store(h_ptr + rows.to(tl.int64)[:, None] * N + columns[None, :], h, mask=inside)
    # Non-negative floats order like their bits, and a maximum has no order: an atomic is exact here.
    m = tl.max(tl.abs(h), axis=1).to(tl.int32, bitcast=True)
    tl.atomic_max(max_ptr + rows, m, mask=row_in, sem="relaxed")


def gate_up(
    q: Tensor,
    s: Tensor,
    gate: Tensor,
    gate_scale: Tensor,
    up: Tensor,
    up_scale: Tensor,
    h: Tensor,
    row_max: Tensor,
    *,
    tile: Tile | None = None,
) -> None:
    """h = (g * sigmoid(g)) * u for g, u = Linear(q, s; gate), Linear(q, s; up).

    q int8 [T, K], s f32 [T], gate and up int8 [F, K] with scales f32 [F]. Writes h f32 [T, F] and raises
    row_max int32 [T], which must hold zeros, to the float32 bits of max|h| of each row.
    """
    rows, depth = q.shape
    columns = gate.shape[0]
    tile = tile or gate_up_tile(rows, columns)
    grid = (triton.cdiv(rows, tile.rows) * triton.cdiv(columns, tile.columns),)
    _gate_up[grid](
        q, s, gate, gate_scale, up, up_scale, h, row_max, rows, columns, depth,
        EVEN=depth % tile.depth == 0, **tile.options(), **STRICT,
    )  # fmt: skip
