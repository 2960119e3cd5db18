"""Causal attention within each sample of a pack, on int8 queries, keys and values as served.

A pack is one row of samples end to end; `cu_seqlens` [S + 1] holds where each starts. No sample sees another.
Two ways compute the same; `training.lora.gradient_check` decides which one a run may use.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.lora.fake_quant import product_type, round_rows

NAME = "samebytes_packed"
Way = Callable[[Tensor, Tensor, Tensor, Tensor, int, float], Tensor]


def flash(q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, max_length: int, scaling: float) -> Tensor:
    """Flash attention over ragged samples (CUDA): q [T, H, D], k and v [T, Hkv, D] → [T, H, D].

    Positions of a sample beyond `max_length` are left unwritten, so no sample may be longer.
    """
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    out, *_ = torch.ops.aten._flash_attention_forward(
        q, k, v, cu_seqlens, cu_seqlens, max_length, max_length, 0.0, True, False, scale=scaling
    )
    return cast(Tensor, out)


def by_sample(q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, max_length: int, scaling: float) -> Tensor:
    """One sample after the other: slower, runs on any device, and easy to read."""
    parts = []
    for start, end in pairwise(cu_seqlens.tolist()):
        if start == end:
            continue
        sq, sk, sv = (x[start:end].transpose(0, 1)[None] for x in (q, k, v))
        out = functional.scaled_dot_product_attention(
            sq, sk, sv, is_causal=True, scale=scaling, enable_gqa=True
        )
        parts.append(out[0].transpose(0, 1))
    return torch.cat(parts)


WAYS: dict[str, Way] = {"flash": flash, "by_sample": by_sample}
_chosen = "by_sample"


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


# Outside the compiled graph: compiled by torch 2.11, an autograd function whose casts change nothing, as when
# it rounds float32 queries and keys, gives its input no gradient.
@torch.compiler.disable  # type: ignore[untyped-decorator]
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
    half = product_type(query)
    q, k, v = (round_rows(x[0].transpose(0, 1).contiguous()).to(half) for x in (query, key, value))
    return WAYS[_chosen](q, k, v, cu_seqlens, max_length, scaling)[None], None
