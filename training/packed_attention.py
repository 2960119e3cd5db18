"""Causal attention within each sample of a pack, on int8 queries, keys and values as served.

A pack is one row of samples end to end; `cu_seqlens` [S + 1] holds where each starts. No sample sees another.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.fake_quant import round_rows

NAME = "samebytes_packed"


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
    cu_seqlens: Tensor,
    max_length: int,
    **_: Any,
) -> tuple[Tensor, None]:
    """query [1, H, T, D], key and value [1, Hkv, T, D] after rotary position → [1, T, H, D]."""
    q, k, v = (round_rows(x[0].transpose(0, 1).contiguous()).to(torch.bfloat16) for x in (query, key, value))
    if q.is_cuda:
        out = _flash(q, k, v, cu_seqlens, max_length, scaling)
    else:
        out = _masked(q, k, v, cu_seqlens, scaling)
    return out[None], None


def _flash(q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, max_length: int, scaling: float) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    arguments: dict[str, Any] = {"scale": scaling}
    known = inspect.signature(varlen_attn).parameters
    if "is_causal" in known:
        arguments["is_causal"] = True
    else:
        arguments["window_size"] = (-1, 0)
    if "enable_gqa" in known:
        arguments["enable_gqa"] = True
    else:
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    if "scale" not in known:
        del arguments["scale"]
    return varlen_attn(q, k, v, cu_seqlens, cu_seqlens, max_length, max_length, **arguments)


def _masked(q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, scaling: float) -> Tensor:
    """The same through a mask of T × T: for the CPU and small packs."""
    at = torch.arange(q.shape[0], device=q.device)
    sample = torch.searchsorted(cu_seqlens.long(), at, right=True)
    allowed = (sample[:, None] == sample[None, :]) & (at[:, None] >= at[None, :])
    heads = (x.float().transpose(0, 1)[None] for x in (q, k, v))
    out = functional.scaled_dot_product_attention(*heads, attn_mask=allowed, scale=scaling, enable_gqa=True)
    return out[0].transpose(0, 1).to(torch.bfloat16)
