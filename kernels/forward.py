"""The forward pass of a decoder-only model, in the order of NUMERICS.md, over the reference operations.

`ReferenceBackend` is the definition that every other backend is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels import reference as ref
from kernels.backend import Hidden, Segment
from kernels.cache import Block, KVCache
from kernels.weights import Layer, Linear8, Weights


class ReferenceBackend:
    """Readable and slow. A faster one overrides `linear`."""

    device = "cpu"
    block = KVCache.block

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        self.weights = weights
        self.config = weights.config

    def new_cache(self, capacity: int, prefix: Sequence[Block] = ()) -> KVCache:
        return KVCache(self.config, capacity, prefix=prefix)

    def cache_bytes(self, capacity: int, shared: int = 0) -> int:
        return KVCache.bytes_for(self.config, capacity)  # a shared block is copied

    def free_cache_bytes(self) -> int | None:
        return None

    def warm_up(self) -> None:
        pass  # nothing is compiled

    def forward(self, segments: Sequence[Segment]) -> Hidden:
        tokens = np.concatenate([segment.tokens for segment in segments])
        positions = np.concatenate([np.arange(len(s.tokens)) + s.cache.length for s in segments])
        x = ref.embedding(tokens, self.weights.embed.weight, self.weights.embed.scale)
        for index, layer in enumerate(self.weights.layers):
            x = x + self._attention_output(index, layer, x, positions, segments)
            x = x + self._mlp_output(layer, x)
        for segment in segments:
            segment.cache.advance(len(segment.tokens))
        return Hidden(*ref.rms_norm_quantize(x, self.weights.final_norm, self.config.rms_norm_eps))

    def logits(self, hidden: Hidden, ids: np.ndarray | None) -> np.ndarray:
        head = self.weights.head
        if ids is not None:
            head = Linear8(head.weight[ids], head.scale[ids])
        return self.linear(hidden.q, hidden.s, head)

    def argmax(self, hidden: Hidden, ids: np.ndarray | None) -> np.ndarray:
        return lowest_argmax(self.logits(hidden, ids), ids)

    def linear(self, q: np.ndarray, s: np.ndarray, layer: Linear8) -> np.ndarray:
        """q int8 [T, K], s float32 [T] → float32 [T, N]."""
        return ref.linear(q, s, layer.weight, layer.scale, layer.bias)

    def _attention_output(
        self, index: int, layer: Layer, x: np.ndarray, positions: np.ndarray, segments: Sequence[Segment]
    ) -> np.ndarray:
        config = self.config
        q8, s8 = ref.rms_norm_quantize(x, layer.attn_norm, config.rms_norm_eps)
        q = self.linear(q8, s8, layer.q).reshape(-1, config.num_heads, config.head_dim)
        k = self.linear(q8, s8, layer.k).reshape(-1, config.num_kv_heads, config.head_dim)
        v = self.linear(q8, s8, layer.v).reshape(-1, config.num_kv_heads, config.head_dim)
        if layer.q_norm is not None and layer.k_norm is not None:
            q = ref.rms_norm_heads(q, layer.q_norm, config.rms_norm_eps)
            k = ref.rms_norm_heads(k, layer.k_norm, config.rms_norm_eps)
        cos, sin = self.weights.cos[positions], self.weights.sin[positions]
        q, sq = ref.quantize_rows(ref.rope(q, cos, sin))
        k, sk = ref.quantize_rows(ref.rope(k, cos, sin))
        v, sv = ref.quantize_rows(v)

        outputs, row = [], 0
        for segment in segments:
            rows = slice(row, row + len(segment.tokens))
            cache, end = segment.cache, segment.cache.length + len(segment.tokens)
            for cached, new in ((cache.k, k), (cache.sk, sk), (cache.v, v), (cache.sv, sv)):
                cached[index, cache.length : end] = new[rows]
            k_all, sk_all, v_all, sv_all = (c[index, :end] for c in (cache.k, cache.sk, cache.v, cache.sv))
            outputs.append(ref.attention(q[rows], sq[rows], k_all, sk_all, v_all, sv_all, positions[rows]))
            row = rows.stop
        attended = np.concatenate(outputs).reshape(len(x), -1)
        return self.linear(*ref.quantize_rows(attended), layer.o)

    def _mlp_output(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        q8, s8 = ref.rms_norm_quantize(x, layer.mlp_norm, self.config.rms_norm_eps)
        h = ref.silu_mul(self.linear(q8, s8, layer.gate), self.linear(q8, s8, layer.up))
        return self.linear(*ref.quantize_rows(h), layer.down)


def lowest_argmax(logits: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
    """logits float32 [N, M] of columns `ids` (default 0 … M−1) → int64 [N], the lowest id of the maximum."""
    if ids is None:
        ids = np.arange(logits.shape[1])
    best = logits == logits.max(axis=1, keepdims=True)
    return np.where(best, ids, np.iinfo(np.int64).max).min(axis=1)
