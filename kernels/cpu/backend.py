"""The CPU backend over the C engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import cast

import numpy as np
import torch
from torch import Tensor

from kernels.backend import Hidden, Segment
from kernels.cache import Block, KVCache
from kernels.config import ModelConfig
from kernels.cpu import structs
from kernels.cpu.cache import PackedKVCache
from kernels.cpu.engine import LANES, Engine, PackedLinear
from kernels.cpu.structs import pointer
from kernels.reference import LOG2_E
from kernels.weights import Layer, Linear8, Weights

LARGEST_GROUP = 64


def fits_engine(config: ModelConfig) -> bool:
    """Whether the engine covers the shape; torch serves the others."""
    return config.head_dim % 4 == 0 and config.group_size <= LARGEST_GROUP


def in_turns(gate: Linear8, up: Linear8) -> Linear8:
    """Interleaves LANES rows of each, so that a tile holds both factors of an output; pads with zero rows."""

    def merge(a: Tensor, b: Tensor) -> Tensor:
        # With numpy, since torch would wake its threads for each of many small copies.
        rest = a.shape[1:]
        turns = np.zeros((-(-len(a) // LANES), 2, LANES, *rest), a.numpy().dtype)
        for turn, part in enumerate((a.numpy(), b.numpy())):
            whole = len(part) // LANES
            turns[:whole, turn] = part[: whole * LANES].reshape(whole, LANES, *rest)
            turns[whole:, turn, : len(part) - whole * LANES] = part[whole * LANES :]
        return torch.from_numpy(turns.reshape(-1, *rest))

    bias = None
    if gate.bias is not None or up.bias is not None:
        bias = merge(*(torch.zeros_like(p.scale) if p.bias is None else p.bias for p in (gate, up)))
    return Linear8(merge(gate.weight, up.weight), merge(gate.scale, up.scale), bias)


class EngineBackend:
    """All layers in one call of the C engine. Safe to call from several threads with different caches."""

    device = "cpu"
    block = PackedKVCache.block

    def __init__(self, weights: Weights, engine: Engine) -> None:
        if not fits_engine(weights.config):
            raise ValueError(
                "the C engine needs a head_dim that 4 divides and at most 64 query heads a key head"
            )
        self.weights = weights
        self.config = weights.config
        self.engine = engine
        self._keep: list[PackedLinear] = []  # what the structures point into
        self._layers = (structs.LayerWeights * len(weights.layers))(*map(self._layer, weights.layers))
        self._embed, self._cos, self._sin = (
            tensor.contiguous() for tensor in (weights.embed.weight, weights.cos, weights.sin)
        )
        self._model = self._model_struct()
        self._head: PackedLinear | None = None
        self._head_lock = Lock()

    def new_cache(self, capacity: int, prefix: Sequence[Block] = ()) -> KVCache:
        return PackedKVCache(self.config, capacity, prefix=prefix)

    def cache_bytes(self, capacity: int, shared: int = 0) -> int:
        return PackedKVCache.bytes_for(self.config, capacity)  # a shared block is copied

    def free_cache_bytes(self) -> int | None:
        return None

    def warm_up(self) -> None:
        pass  # compiled before it was made

    def forward(self, segments: Sequence[Segment]) -> Hidden:
        tokens = torch.cat([segment.tokens.to(torch.int64) for segment in segments])
        sequences = [
            structs.Sequence(cast(PackedKVCache, s.cache).struct(), s.cache.length, len(s.tokens))
            for s in segments
        ]
        hidden = Hidden(*self.engine.forward(self._model, sequences, tokens))
        for segment in segments:
            segment.cache.advance(len(segment.tokens))
        return hidden

    def logits(self, hidden: Hidden, ids: Tensor | None) -> Tensor:
        head = self.weights.head
        if ids is None:
            return self.engine.linear(hidden.q, hidden.s, self._whole_head())
        return self.engine.linear(hidden.q, hidden.s, self.engine.pack(head.weight, head.scale, ids=ids))

    def argmax(self, hidden: Hidden, ids: Tensor | None) -> Tensor:
        return self.engine.argmax(self.logits(hidden, ids), ids)

    def _whole_head(self) -> PackedLinear:
        """Packed at first use: decoding that is held to known lines never reads the whole vocabulary."""
        with self._head_lock:
            if self._head is None:
                self._head = self.engine.pack(self.weights.head.weight, self.weights.head.scale)
            return self._head

    def _pack(self, *parts: Linear8) -> structs.Linear:
        """Matrices that share an input, their outputs side by side."""
        biases = [part.bias for part in parts]
        bias = None
        if any(b is not None for b in biases):
            bias = torch.cat([torch.zeros_like(p.scale) if p.bias is None else p.bias for p in parts])
        weight, scale = torch.cat([p.weight for p in parts]), torch.cat([p.scale for p in parts])
        self._keep.append(self.engine.pack(weight, scale, bias))
        return self._keep[-1].struct

    def _layer(self, layer: Layer) -> structs.LayerWeights:
        norms = (layer.attn_norm, layer.mlp_norm, layer.q_norm, layer.k_norm)
        matrices = (
            self._pack(layer.q, layer.k, layer.v),
            self._pack(layer.o),
            self._pack(in_turns(layer.gate, layer.up)),
            self._pack(layer.down),
        )
        return structs.LayerWeights(*map(pointer, norms), *matrices)

    def _model_struct(self) -> structs.ModelWeights:
        config, weights = self.config, self.weights
        return structs.ModelWeights(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.num_layers,
            heads=config.num_heads,
            kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            eps=config.rms_norm_eps,
            score=LOG2_E / math.sqrt(config.head_dim),
            embed=pointer(self._embed),
            embed_scale=pointer(weights.embed.scale),
            final_norm=pointer(weights.final_norm),
            cosine=pointer(self._cos),
            sine=pointer(self._sin),
            layer=self._layers,
        )
