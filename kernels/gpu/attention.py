"""Attention over the paged int8 cache: an exact maximum, then sums of integers.

Queries are packed: row r of a segment is query r // G of the head group, head r % G, where G = H / KV query
heads share one key head. So decode fills the rows of a matrix instruction with heads, and one kernel serves
every query length. Keys may be cut into any number of splits: maxima and integer sums combine in any order.
"""

from __future__ import annotations

import math

import triton
import triton.language as tl
from torch import Tensor

from kernels.gpu.arithmetic import STRICT, digits, exp2_of_32nds, rint, saturated_difference
from kernels.gpu.batch import Batch
from kernels.gpu.combine import Sums, output_of_sums
from kernels.gpu.key_order import key_columns, packed_columns, score_columns
from kernels.gpu.tiles import AttentionTile, maxima_tile

LOWEST = tl.constexpr(-3.0e38)
UNIT = tl.constexpr(16256.0)  # 127 * 128: two int8 digits hold a rounded weight


@triton.jit
def _locate(
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H: tl.constexpr, KV: tl.constexpr, BM: tl.constexpr
):
    """(segment, key head, rows' flat (token, head) indices, positions, keys all rows see, keys any row sees).

    The key heads of a row block are neighbours: blocks come longest first over all heads together, since
    otherwise the longest blocks of the last head would start when the device has no other work left.
    """
    tile = tl.program_id(0) // KV
    kv_head = tl.program_id(0) % KV
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
    return segment, kv_head, flat, inside, past + query, seen_by_all, seen


@triton.jit
def _split_range(seen_by_all, seen, SPLITS: tl.constexpr, BN: tl.constexpr):
    """This program's blocks of BN keys: [low, full) need no causal mask, [full, high) do."""
    blocks = tl.cdiv(seen, BN)
    per_split = tl.cdiv(blocks, SPLITS)
    low = tl.minimum(tl.program_id(1) * per_split, blocks)
    high = tl.minimum(low + per_split, blocks)
    full = tl.minimum(tl.maximum(seen_by_all // BN, low), high)
    return low, full, high


@triton.jit
def _scores(q, c, k_ptr, sk_ptr, base, D: tl.constexpr, DB: tl.constexpr, BN: tl.constexpr):
    """t = (f32(q . k) * c) * sk for BN keys from the page offset `base`, counted in keys; score columns."""
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)
    k_ptrs = (k_ptr + base * D) + (n[None, :] * D + d[:, None])  # scalar base: only the offsets are vectors
    k = tl.load(k_ptrs) if DB == D else tl.load(k_ptrs, mask=d[:, None] < D, other=0)
    a = tl.dot(q, k, out_dtype=tl.int32)
    sk = score_columns(tl.load((sk_ptr + base) + n), BN)
    return (a.to(tl.float32) * c[:, None]) * sk[None, :]


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
    BM: tl.constexpr, BN: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """(m, SV): the largest score and the largest value scale over this program's keys."""
    n = tl.arange(0, BN)
    # A row of scores is spread over four threads, two neighbours at a time: each keeps its own maximum.
    m_parts = tl.full((BM, 4), LOWEST, tl.float32)
    sv_any = tl.zeros((BN,), tl.float32)
    # Named stages make the compiler fetch the scales ahead too, not only what a product reads.
    for block in tl.range(low, full, num_stages=STAGES):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        t = _scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN)
        m_parts = tl.maximum(m_parts, tl.max(tl.max(tl.reshape(t, (BM, BN // 8, 4, 2)), axis=3), axis=1))
        sv_any = tl.maximum(sv_any, tl.load((sv_ptr + start + at) + n))
    m = tl.max(m_parts, axis=1)
    sv_max = tl.zeros((BM,), tl.float32) + tl.max(sv_any, axis=0)
    for block in range(full, high):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        visible = score_columns(block * BN + n, BN)[None, :] <= position[:, None]
        t = tl.where(visible, _scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN), LOWEST)
        m = tl.maximum(m, tl.max(t, axis=1))
        # The mask taken from t keeps this in the product's register layout.
        sv = score_columns(tl.load((sv_ptr + start + at) + n), BN)
        sv = tl.where(t > LOWEST, sv[None, :], 0.0)
        sv_max = tl.maximum(sv_max, tl.max(sv, axis=1))
    return m, sv_max


@triton.jit
def _add_keys(
    high_sum, low_sum, total, q, c, m, h, position, begin, end,
    pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr,
    KV: tl.constexpr, PAGE: tl.constexpr, D: tl.constexpr, DB: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """Adds the keys [begin, end) to the two digit sums of w . v and to L = sum of p.

    c and m are 32nds, for `exp2_of_32nds`: weights of 2^-24 and less are 0 either way.
    """
    n = tl.arange(0, BN)
    d = tl.arange(0, DB)
    for block in range(begin, end):
        start, at = _locate_keys(pages_ptr, kv_head, block, KV, PAGE, BN)
        t = _scores(q, c, k_ptr, sk_ptr, start + at, D, DB, BN)
        e = exp2_of_32nds(saturated_difference(m[:, None], t))
        sv = score_columns(tl.load((sv_ptr + start + at) + n), BN)[None, :]
        if MASKED:
            visible = score_columns(block * BN + n, BN)[None, :] <= position[:, None]
            e = tl.where(visible, e, 0.0)
            sv = tl.where(visible, sv, 0.0)
        total += tl.sum(rint(e * UNIT), axis=1)
        w = key_columns(e * (sv * h[:, None]), BM, BN)
        if BM >= 64:  # below, the weights go through shared memory anyway
            w = packed_columns(w, BM, BN)
        w_high, w_low = digits(w)  # 0 <= w <= 127 * 128
        v_ptrs = (v_ptr + start * D + at) + (d[None, :] * PAGE + n[:, None])
        v = tl.load(v_ptrs) if DB == D else tl.load(v_ptrs, mask=d[None, :] < D, other=0)
        high_sum = tl.dot(w_high, v, high_sum, out_dtype=tl.int32)
        low_sum = tl.dot(w_low, v, low_sum, out_dtype=tl.int32)
    return high_sum, low_sum, total


@triton.jit
def _attention_maxima(
    q_ptr, sq_ptr, k_ptr, sk_ptr, sv_ptr, m_ptr, sv_max_ptr,
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, pages_ptr, max_pages, entries, log2e_scale,
    H: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, PAGE: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    segment, kv_head, flat, inside, position, seen_by_all, seen = _locate(
        segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H, KV, BM
    )
    if segment < 0:
        return
    d = tl.arange(0, DB)[None, :]
    q = tl.load(q_ptr + flat[:, None] * D + d, mask=d < D, other=0)
    c = tl.load(sq_ptr + flat) * log2e_scale
    low, full, high = _split_range(seen_by_all, seen, SPLITS, BN)
    m, sv_max = _row_maxima(
        q, c, position, low, full, high, pages_ptr + segment * max_pages, kv_head, k_ptr, sk_ptr, sv_ptr,
        KV, PAGE, D, DB, BM, BN, STAGES,
    )  # fmt: skip
    out = tl.program_id(1).to(tl.int64) * entries + flat
    tl.store(m_ptr + out, m, mask=inside)
    tl.store(sv_max_ptr + out, sv_max, mask=inside)


@triton.jit
def _attention_sums(
    q_ptr, sq_ptr, k_ptr, sk_ptr, v_ptr, sv_ptr, m_ptr, sv_max_ptr, out_ptr, low_ptr, total_ptr,
    segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, pages_ptr, max_pages, entries, log2e_scale,
    H: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, DB: tl.constexpr, PAGE: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr, STAGES: tl.constexpr, FUSED: tl.constexpr,
):  # fmt: skip
    segment, kv_head, flat, inside, position, seen_by_all, seen = _locate(
        segment_ptr, row_ptr, start_ptr, length_ptr, past_ptr, H, KV, BM
    )
    if segment < 0:
        return
    pages_ptr += segment * max_pages
    d = tl.arange(0, DB)[None, :]
    q = tl.load(q_ptr + flat[:, None] * D + d, mask=d < D, other=0)
    c = tl.load(sq_ptr + flat) * log2e_scale
    low, full, high = _split_range(seen_by_all, seen, SPLITS, BN)
    if FUSED:
        m, sv_max = _row_maxima(
            q, c, position, low, full, high, pages_ptr, kv_head, k_ptr, sk_ptr, sv_ptr,
            KV, PAGE, D, DB, BM, BN, STAGES,
        )  # fmt: skip
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
    c, m = c * (1.0 / 32.0), m * (1.0 / 32.0)
    high_sum, low_sum, total = _add_keys(
        high_sum, low_sum, total, q, c, m, h, position, low, full,
        pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr, KV, PAGE, D, DB, BM, BN, False,
    )  # fmt: skip
    high_sum, low_sum, total = _add_keys(
        high_sum, low_sum, total, q, c, m, h, position, full, high,
        pages_ptr, kv_head, k_ptr, sk_ptr, v_ptr, sv_ptr, KV, PAGE, D, DB, BM, BN, True,
    )  # fmt: skip
    stored = inside[:, None] & (d < D)
    if SPLITS == 1:
        o = output_of_sums(high_sum, low_sum, total[:, None], sv_max[:, None])
        tl.store(out_ptr + flat[:, None] * D + d, o, mask=stored)
    else:
        out = tl.program_id(1).to(tl.int64) * entries + flat
        tl.store(out_ptr + out[:, None] * D + d, high_sum, mask=stored)
        tl.store(low_ptr + out[:, None] * D + d, low_sum, mask=stored)
        tl.store(total_ptr + out, total, mask=inside)


def attention(
    q: Tensor,
    sq: Tensor,
    k_pages: Tensor,
    sk_pages: Tensor,
    v_pages: Tensor,
    sv_pages: Tensor,
    batch: Batch,
    sums: Sums,
    *,
    tile: AttentionTile,
    maxima: AttentionTile | None = None,
) -> None:
    """Attention of the contract, up to the addition of the splits that `sums` is for.

    q int8 [T, H, D], sq f32 [T, H]; pages of one layer as `rope_quantize` writes them. Writes `sums`. The two
    passes over the keys are one launch where there is one split and few rows, else two, the first of them
    with the tile `maxima`, of the same rows.
    """
    tokens, heads, head_dim = q.shape
    _, kv_heads, page, _ = k_pages.shape
    if page % tile.keys:
        raise ValueError(f"a page of {page} keys is no multiple of the tile's {tile.keys}")
    entries, splits = tokens * heads, sums.maxima.shape[0]
    grid = (batch.tile_segment.numel() * kv_heads, splits)
    where = (
        batch.tile_segment, batch.tile_row, batch.start, batch.length, batch.past,
        batch.pages, batch.pages.shape[1], entries, math.log2(math.e) / math.sqrt(head_dim),
    )  # fmt: skip
    shape = {
        "H": heads, "KV": kv_heads, "D": head_dim, "DB": max(32, triton.next_power_of_2(head_dim)),
        "PAGE": page, "SPLITS": splits, **STRICT,
    }  # fmt: skip
    # Few rows: one launch is worth more than the registers that the first pass would not need.
    fused = splits == 1 and tile.rows < 64
    if not fused:
        first = maxima or maxima_tile(tile, page)
        _attention_maxima[grid](
            q, sq, k_pages, sk_pages, sv_pages, sums.maxima, sums.value_scales, *where,
            **shape, **first.options(),
        )  # fmt: skip
    _attention_sums[grid](
        q, sq, k_pages, sk_pages, v_pages, sv_pages, sums.maxima, sums.value_scales,
        sums.output, sums.low, sums.total, *where, FUSED=fused, **shape, **tile.options(),
    )  # fmt: skip
