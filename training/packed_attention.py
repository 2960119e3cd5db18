"""Causal attention within each sample of a pack, on int8 queries, keys and values as served.

A pack is one row of samples end to end; `cu_seqlens` [S + 1] holds where each starts. No sample sees another.
Several ways compute the same; `training.gradient_check` decides which one a run may use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from training.fake_quant import product_type, round_rows

NAME = "samebytes_packed"


class Layout(NamedTuple):
    """Where the samples of a pack lie: cu_seqlens int32 [S + 1], no sample longer than `max_length`; `mask`
    is the block mask of FlexAttention where the way in use wants one.
    """

    cu_seqlens: Tensor
    max_length: int
    mask: BlockMask | None = None


Way = Callable[[Tensor, Tensor, Tensor, Layout, float], Tensor]


def document_mask(cu_seqlens: Tensor, length: int) -> BlockMask:
    """Causal within each sample of a pack of `length` tokens."""
    positions = torch.arange(length, device=cu_seqlens.device, dtype=torch.int32)
    owner = torch.searchsorted(cu_seqlens, positions, right=True)

    def visible(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (owner[query] == owner[key])

    return _create_block_mask()(visible, None, None, length, length, device=cu_seqlens.device)


@cache
def _create_block_mask() -> Any:
    # Compiled, the mask is evaluated block by block; plain, it is a matrix of length × length.
    return torch.compile(create_block_mask) if torch.cuda.is_available() else create_block_mask


def flex(q: Tensor, k: Tensor, v: Tensor, layout: Layout, scaling: float) -> Tensor:
    """FlexAttention with the pack's block mask; to be compiled with the layer around it."""
    query, key, value = (x.transpose(0, 1)[None] for x in (q, k, v))
    out: Any = flex_attention(query, key, value, block_mask=layout.mask, scale=scaling, enable_gqa=True)
    return cast(Tensor, out)[0].transpose(0, 1)


@torch.compiler.disable
def flash(q: Tensor, k: Tensor, v: Tensor, layout: Layout, scaling: float) -> Tensor:
    """Flash attention over ragged samples (CUDA), by the operator that autograd differentiates itself."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    edges, longest = layout.cu_seqlens, layout.max_length
    out, *_ = torch.ops.aten._flash_attention_forward(
        q, k, v, edges, edges, longest, longest, 0.0, True, False, scale=scaling
    )
    return cast(Tensor, out)


def varlen(q: Tensor, k: Tensor, v: Tensor, layout: Layout, scaling: float) -> Tensor:
    """Flash attention over ragged samples (CUDA): q [T, H, D], k and v [T, Hkv, D] → [T, H, D].

    Positions of a sample beyond `max_length` are left unwritten, so no sample may be longer.
    """
    cu_seqlens, max_length = layout.cu_seqlens, layout.max_length
    from torch.nn.attention.varlen import varlen_attn

    known = inspect.signature(varlen_attn).parameters
    arguments: dict[str, Any] = {"scale": scaling, "window_size": (-1, 0)}
    if "enable_gqa" in known:
        arguments["enable_gqa"] = True
    else:
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    out = varlen_attn(q, k, v, cu_seqlens, cu_seqlens, max_length, max_length, **arguments)
    assert isinstance(out, Tensor)
    return out


@torch.compiler.disable
def varlen_uncompiled(q: Tensor, k: Tensor, v: Tensor, layout: Layout, scaling: float) -> Tensor:
    """`varlen` outside the compiled graph."""
    return varlen(q, k, v, layout, scaling)


@torch.compiler.disable
def by_sample(q: Tensor, k: Tensor, v: Tensor, layout: Layout, scaling: float) -> Tensor:
    """One sample after the other: slower, on any device, and plain to read."""
    parts = []
    for start, end in pairwise(layout.cu_seqlens.tolist()):
        if start == end:
            continue
        sq, sk, sv = (x[start:end].transpose(0, 1)[None] for x in (q, k, v))
        out = functional.scaled_dot_product_attention(
            sq, sk, sv, is_causal=True, scale=scaling, enable_gqa=True
        )
        parts.append(out[0].transpose(0, 1))
    return torch.cat(parts)


WAYS: dict[str, Way] = {
    "flash": flash,
    "flex": flex,
    "varlen": varlen,
    "varlen_uncompiled": varlen_uncompiled,
    "by_sample": by_sample,
}
_chosen = "by_sample"


def layout_of(cu_seqlens: Tensor, max_length: int, length: int) -> Layout:
    """The layout of a pack of `length` tokens, with what the chosen way needs."""
    mask = document_mask(cu_seqlens, length) if _chosen == "flex" else None
    return Layout(cu_seqlens, max_length, mask)


def use(way: str) -> str:
    """Chooses the way by name for all models; returns the one used before. Raises KeyError."""
    global _chosen
    before = _chosen
    _chosen = way if way in WAYS else _unknown(way)
    return before


def _unknown(way: str) -> str:
    raise KeyError(f"no way {way!r} to compute attention; there are {', '.join(WAYS)}")


def register() -> None:
    """Makes the attention known to transformers under `NAME`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attention)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    layout: Layout,
    **_: Any,
) -> tuple[Tensor, None]:
    """query [1, H, T, D], key and value [1, Hkv, T, D] after rotary position → [1, T, H, D]."""
    half = product_type(query)
    q, k, v = (round_rows(x[0].transpose(0, 1).contiguous()).to(half) for x in (query, key, value))
    return WAYS[_chosen](q, k, v, layout, scaling)[None], None
