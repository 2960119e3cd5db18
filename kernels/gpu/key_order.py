"""The order of keys within a page of K, chosen so that attention moves no weights between threads."""

from __future__ import annotations

import triton
import triton.language as tl


def key_row(offset):
    """The row of K's page that holds the key at `offset`: bits 3, 2, 1 of the offset as bits 2, 1, 3.

    A matrix instruction leaves each thread two score columns of every eight, and the next takes four
    neighbouring weights from it: with the rows in this order those four are its own. For integers and arrays;
    it has no annotations, since the compiler of kernels reads it too.
    """
    return offset - (offset & 14) + ((offset & 2) << 2) + ((offset & 12) >> 1)


key_row_of = triton.jit(key_row)  # the same for kernels


@triton.jit
def score_columns(x, BN: tl.constexpr):
    """A vector over BN keys, put in the order of the score columns, which is that of the rows of K."""
    return tl.reshape(tl.permute(tl.reshape(x, (BN // 32, 2, 4, 2, 2)), (0, 1, 3, 2, 4)), (BN,))


@triton.jit
def key_columns(x, BM: tl.constexpr, BN: tl.constexpr):
    """Score columns [BM, BN] put back in the order of the keys, which is that of V."""
    return tl.reshape(tl.permute(tl.reshape(x, (BM, BN // 32, 2, 2, 4, 2)), (0, 1, 2, 4, 3, 5)), (BM, BN))


@triton.jit
def packed_columns(x, BM: tl.constexpr, BN: tl.constexpr):
    """x [BM, BN] itself, each thread's elements now in the order of the columns, four neighbours in a row.

    The matrix instruction leaves them in pairs that alternate between two rows; packing four into a register
    would otherwise mean unpacking them first.
    """
    even, odd = tl.split(tl.reshape(x, (BM, BN // 4, 2, 2)))
    even0, even1 = tl.split(even)
    odd0, odd1 = tl.split(odd)
    pairs = tl.join(tl.join(even0, odd0), tl.join(even1, odd1))  # [BM, BN / 4, parity, half]
    return tl.reshape(tl.permute(pairs, (0, 1, 3, 2)), (BM, BN))
