"""Attention over the paged int8 cache: an exact maximum, then sums of integers.

Queries are packed: row r of a segment is query r // G of the head group, head r % G, where G = H / KV query
heads share one key head. So decode fills the rows of a matrix instruction with heads, and one kernel serves
every query length. Keys may be cut into any number of splits: maxima and integer sums combine in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT, digits, exp2, rint, row_reciprocal, row_scale

LOWEST = tl.constexpr(-3.0e38)
FILLING_PROGRAMS = 512  # about four for each of an H100's multiprocessors
UNIT = tl.constexpr(16256.0)  # 127 * 128: two int8 digits hold a rounded weight


@dataclass(frozen=True, slots=True)
class Batch:
    """Where each query of a ragged batch is, and which pages hold its keys. All int32, on the device.

    `tile_segment`, `tile_row` [tiles]: the segment of each row block (-1: none) and its first packed row.
    `start`, `length`, `past` [segments]: first flat token, number of query tokens, positions before them.
    `pages` [segments, max pages].
    """

    tile_segment: Tensor
    tile_row: Tensor
    start: Tensor
    length: Tensor
    past: Tensor
    pages: Tensor


@dataclass(frozen=True, slots=True)
class AttentionTile:
    """Packed query rows and keys of one program, its warps and pipeline depth. Changes speed only."""

    rows: int
    keys: int
    warps: int
    stages: int
    registers: int | None = None  # a limit for each thread, so that more programs fit a multiprocessor


def attention_tile(packed_rows: int, programs: int, head_dim: int, page: int) -> AttentionTile:
    """Tile for segments of at most `packed_rows` = query tokens times heads of a group.

    `programs` is the number of (segment, key head) pairs: when they fill the device, small programs are best.
    """
    if packed_rows <= 32:
        rows = 16 if packed_rows <= 16 else 32
        if programs >= FILLING_PROGRAMS:
            return AttentionTile(rows, min(64, page), 2, 3)
        return AttentionTile(rows, min(128, page), 4, 2)
    return AttentionTile(64, min(64 if head_dim > 64 else 128, page), 4, 2)


@triton.jit
def _locate(
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H: tl.constexpr, KV: tl.constexpr, BM: tl.constexpr
):
    """(segment, flat (token, head) index of each row, its position, keys all rows see, keys any row sees)."""
    tile = tl.program_id(0)
    kv_head = tl.program_id(1)
    G: tl.constexpr = H // KV
    segment = tl.load(segment_ptr + tile)
    first = tl.load(row_ptr + tile)
    known = tl.maximum(segment, 0)
    count = tl.load(length_ptr + known)
    past = tl.load(past_ptr + known)
    # Rows past the segment's end repeat its last row; they are never stored.
    rows = first + tl.arange(0, BM)
    inside = rows < count * G
    rows = tl.minimum(rows, count * G - 1)
    query = rows // G
    flat = (tl.load(start_ptr + known) + query).to(tl.int64) * H + kv_head * G + rows % G
    seen_by_all = past + first // G + 1
    seen = past + tl.minimum((first + BM - 1) // G, count - 1) + 1
    return segment, flat, inside, past + query, seen_by_all, seen


@triton.jit
def _split_range(seen_by_all, seen, SPLITS: tl.constexpr, BN: tl.constexpr):
    """This program's blocks of BN keys: [low, full) need no causal mask, [full, high) do."""
    blocks = tl.cdiv(seen, BN)
    per_split = tl.cdiv(blocks, SPLITS)
    low = tl.minimum(tl.program_id(2) * per_split, blocks)
    high = tl.minimum(low + per_split, blocks)
    full = tl.minimum(tl.maximum(seen_by_all // BN, low), high)
    return low, full, high


@triton.jit
def _scores(q, c, k_ptr, sk_ptr, base, D: tl.constexpr, DB: tl.constexpr, BN: tl.constexpr):
    """t = (f32(q . k) * c) * sk for BN keys from the page offset `base`, counted in keys."""
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)
    k_ptrs = (k_ptr + base * D) + (n[None, :] * D + d[:, None])  # scalar base: only the offsets are vectors
    k = tl.load(k_ptrs) if DB == D else tl.load(k_ptrs, mask=d[:, None] < D, other=0)
    a = tl.dot(q, k, out_dtype=tl.int32)
    return (a.to(tl.float32) * c[:, None]) * tl.load((sk_ptr + base) + n)[None, :]


@triton.jit
def _locate_keys(pages_ptr, kv_head, block, KV: tl.constexpr, PAGE: tl.constexpr, BN: tl.constexpr):
    """Where a page's keys of this head start, counted in keys, and where in the page the block of BN starts.

    Both are visibly multiples of BN, so that the compiler makes the loads of a tile 16 bytes wide.
    """
    page = tl.load(pages_ptr + (block * BN) // PAGE).to(tl.int64)
    return (page * KV + kv_head) * PAGE, (block % (PAGE // BN)) * BN


@triton.jit
def _row_maxima(
    q, c, position, low, full, high, pages_ptr, kv_head, k_ptr, sk_ptr, sv_ptr,
    KV: tl.constexpr, PAGE: tl.constexpr, D: tl.constexpr, DB: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """(m, SV): the largest score and the largest value scale over this program's keys."""
    n = tl.arange(0, BN)
    m = tl.full((BM,), LOWEST, tl.float32)
    sv_any = tl.zeros((BN,), tl.float32)
    for block in range(low, full):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        m = tl.maximum(m, tl.max(_scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN), axis=1))
        sv_any = tl.maximum(sv_any, tl.load((sv_ptr + start + at) + n))
    sv_max = tl.zeros((BM,), tl.float32) + tl.max(sv_any, axis=0)
    for block in range(full, high):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        visible = (block * BN + n)[None, :] <= position[:, None]
        t = tl.where(visible, _scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN), LOWEST)
        m = tl.maximum(m, tl.max(t, axis=1))
        # The mask taken from t keeps this in the product's register layout.
        sv = tl.where(t > LOWEST, tl.load((sv_ptr + start + at) + n)[None, :], 0.0)
        sv_max = tl.maximum(sv_max, tl.max(sv, axis=1))
    return m, sv_max


@triton.jit
def _add_keys(
    high_sum, low_sum, total, q, c, m, h, position, begin, end,
    pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr,
    KV: tl.constexpr, PAGE: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, BN: tl.constexpr,
    MASKED: tl.constexpr,
):  # fmt: skip
    """Adds the keys [begin, end) to the two digit sums of w . v and to L = sum of p."""
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)
    for block in range(begin, end):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        e = exp2(_scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN) - m[:, None])
        sv = tl.load((sv_ptr + start + at) + n)[None, :]
        if MASKED:
            visible = (block * BN + n)[None, :] <= position[:, None]
            e = tl.where(visible, e, 0.0)
            sv = tl.where(visible, sv, 0.0)
        total += tl.sum(rint(e * UNIT), axis=1)
        w_high, w_low = digits(e * (sv * h[:, None]))  # 0 <= w <= 127 * 128
        v_ptrs = (v_ptr + start * D + at) + (d[None, :] * PAGE + n[:, None])
        v = tl.load(v_ptrs) if DB == D else tl.load(v_ptrs, mask=d[None, :] < D, other=0)
        high_sum = tl.dot(w_high, v, high_sum, out_dtype=tl.int32)
        low_sum = tl.dot(w_low, v, low_sum, out_dtype=tl.int32)
    return high_sum, low_sum, total


@triton.jit
def _output(high_sum, low_sum, total, sv_max):
    """o = f32(W) * (SV / f32(L)), W = 256 * high + low in int64; 0 where SV is 0."""
    w = high_sum.to(tl.int64) * 256 + low_sum.to(tl.int64)
    o = w.to(tl.float32) * tl.div_rn(sv_max, total.to(tl.float32))
    return tl.where(sv_max == 0, 0.0, o)


@triton.jit
def _attention_maxima(
    q_ptr, sq_ptr, k_ptr, sk_ptr, sv_ptr, m_ptr, sv_max_ptr,
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, pages_ptr, max_pages, entries, log2e_scale,
    H: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, PAGE: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    segment, flat, inside, position, seen_by_all, seen = _locate(
        segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H, KV, BM
    )
    if segment < 0:
        return
    kv_head = tl.program_id(1)
    d = tl.arange(0, DB)[None, :]
    q = tl.load(q_ptr + flat[:, None] * D + d, mask=d < D, other=0)
    c = tl.load(sq_ptr + flat) * log2e_scale
    low, full, high = _split_range(seen_by_all, seen, SPLITS, BN)
    m, sv_max = _row_maxima(
        q, c, position, low, full, high, pages_ptr + segment * max_pages, kv_head, k_ptr, sk_ptr, sv_ptr,
        KV, PAGE, D, DB, BM, BN,
    )  # fmt: skip
    out = tl.program_id(2).to(tl.int64) * entries + flat
    tl.store(m_ptr + out, m, mask=inside)
    tl.store(sv_max_ptr + out, sv_max, mask=inside)


@triton.jit
def _attention_sums(
    q_ptr, sq_ptr, k_ptr, sk_ptr, v_ptr, sv_ptr, m_ptr, sv_max_ptr, out_ptr, low_ptr, total_ptr,
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, pages_ptr, max_pages, entries, log2e_scale,
    H: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, PAGE: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr, FUSED: tl.constexpr,
):  # fmt: skip
    segment, flat, inside, position, seen_by_all, seen = _locate(
        segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H, KV, BM
    )
    if segment < 0:
        return
    kv_head = tl.program_id(1)
    pages_ptr += segment * max_pages
    d = tl.arange(0, DB)[None, :]
    q = tl.load(q_ptr + flat[:, None] * D + d, mask=d < D, other=0)
    c = tl.load(sq_ptr + flat) * log2e_scale
    low, full, high = _split_range(seen_by_all, seen, SPLITS, BN)
    if FUSED:
        m, sv_max = _row_maxima(
            q,
            c,
            position,
            low,
            full,
            high,
            pages_ptr,
            kv_head,
            k_ptr,
            sk_ptr,
            sv_ptr,
            KV,
            PAGE,
            D,
            DB,
            BM,
            BN,
        )
    else:
        m = tl.full((BM,), LOWEST, tl.float32)
        sv_max = tl.zeros((BM,), tl.float32)
        for split in range(SPLITS):
            m = tl.maximum(m, tl.load(m_ptr + split * entries + flat))
            sv_max = tl.maximum(sv_max, tl.load(sv_max_ptr + split * entries + flat))
    h = tl.where(sv_max == 0, 0.0, tl.div_rn(tl.full((BM,), UNIT, tl.float32), sv_max))
    high_sum = tl.zeros((BM, DB), tl.int32)
    low_sum = tl.zeros((BM, DB), tl.int32)
    total = tl.zeros((BM,), tl.int32)
    high_sum, low_sum, total = _add_keys(
        high_sum, low_sum, total, q, c, m, h, position, low, full,
        pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr, KV, PAGE, D, DB, BN, False,
    )  # fmt: skip
    high_sum, low_sum, total = _add_keys(
        high_sum, low_sum, total, q, c, m, h, position, full, high,
        pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr, KV, PAGE, D, DB, BN, True,
    )  # fmt: skip
    stored = inside[:, None] & (d < D)
    if SPLITS == 1:
        o = _output(high_sum, low_sum, total[:, None], sv_max[:, None])
        tl.store(out_ptr + flat[:, None] * D + d, o, mask=stored)
    else:
        out = tl.program_id(2).to(tl.int64) * entries + flat
        tl.store(out_ptr + out[:, None] * D + d, high_sum, mask=stored)
        tl.store(low_ptr + out[:, None] * D + d, low_sum, mask=stored)
        tl.store(total_ptr + out, total, mask=inside)


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
        o = _output(high_sum, low_sum, total[:, None], sv_max[:, None])
    m = tl.max(tl.max(tl.abs(o), axis=1), axis=0)
    q = rint(o * row_reciprocal(m))
    tl.store(q_ptr + flat[:, None] * D + d, q.to(tl.int8), mask=inside)
    tl.store(s_ptr + token, row_scale(m))


@dataclass(frozen=True, slots=True)
class AttentionScratch:
    """Partial results of `splits` splits over `entries` = tokens * heads."""

    output: Tensor  # one split: f32 [entries, D]; else int32 [splits, entries, D], the high digits' sums
    low: Tensor | None
    total: Tensor | None
    maxima: Tensor  # f32 [splits, entries]
    value_scales: Tensor  # f32 [splits, entries]

    @classmethod
    def allocate(
        cls, splits: int, tokens: int, heads: int, head_dim: int, device: torch.device
    ) -> AttentionScratch:
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


def attention_quantize(
    q: Tensor,
    sq: Tensor,
    k_pages: Tensor,
    sk_pages: Tensor,
    v_pages: Tensor,
    sv_pages: Tensor,
    batch: Batch,
    scratch: AttentionScratch,
    out_q: Tensor,
    out_s: Tensor,
    *,
    tile: AttentionTile,
    splits: int = 1,
) -> None:
    """Attention of the contract, then Q8 over the heads side by side.

    q int8 [T, H, D], sq f32 [T, H]; pages of one layer as `rope_quantize` writes them; writes out_q int8
    [T, H * D] and out_s f32 [T]. The scores' two passes over the keys are one launch, or two with splits.
    """
    tokens, heads, head_dim = q.shape
    _, kv_heads, page, _ = k_pages.shape
    if page % tile.keys:
        raise ValueError(f"a page of {page} keys is no multiple of the tile's {tile.keys}")
    entries = tokens * heads
    grid = (batch.tile_segment.numel(), kv_heads, splits)
    where = (
        batch.tile_segment, batch.tile_row, batch.start, batch.length, batch.past,
        batch.pages, batch.pages.shape[1], entries, math.log2(math.e) / math.sqrt(head_dim),
    )  # fmt: skip
    shape = {
        "H": heads, "KV": kv_heads, "D": head_dim, "DB": max(32, triton.next_power_of_2(head_dim)),
        "PAGE": page, "BM": tile.rows, "BN": tile.keys,
        "SPLITS": splits, "num_warps": tile.warps, "num_stages": tile.stages, **STRICT,
    }  # fmt: skip
    # Few rows: one launch is worth more than the registers that the first pass would not need.
    fused = splits == 1 and tile.rows < 64
    if not fused:
        _attention_maxima[grid](
            q, sq, k_pages, sk_pages, sv_pages, scratch.maxima, scratch.value_scales, *where,
            **shape | {"BN": min(128, page)},
        )  # fmt: skip
    _attention_sums[grid](
        q, sq, k_pages, sk_pages, v_pages, sv_pages, scratch.maxima, scratch.value_scales,
        scratch.output, scratch.low, scratch.total, *where, FUSED=fused, maxnreg=tile.registers, **shape,
    )  # fmt: skip
    _combine_quantize[(tokens,)](
        scratch.output, scratch.low, scratch.total, scratch.value_scales, scratch.output,
        out_q, out_s, entries, H=heads, D=head_dim, DB=triton.next_power_of_2(head_dim),
        HEADS=triton.next_power_of_2(heads), SPLITS=splits, num_warps=4, **STRICT,
    )  # fmt: skip
