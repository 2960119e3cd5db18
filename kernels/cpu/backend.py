"""The CPU backend over the C engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import cast

import numpy as np

from kernels.backend import Hidden, Segment
from kernels.cache import Block, KVCache
from kernels.config import ModelConfig
from kernels.cpu import structs
from kernels.cpu.cache import PackedKVCache
from kernels.cpu.engine import Engine, PackedLinear
from kernels.cpu.packed import PackedLayer, PackedModel, pack_model
from kernels.cpu.structs import pointer
from kernels.reference import LOG2_E
from kernels.weights import Weights

LARGEST_GROUP = 64


def fits_engine(config: ModelConfig) -> bool:
    """Whether the engine covers the shape; numpy serves the others."""
    return config.head_dim % 4 == 0 and config.group_size <= LARGEST_GROUP


class EngineBackend:
    """All layers in one call of the C engine. Safe to call from several threads with different caches."""

    device = "cpu"
    block = PackedKVCache.block

    def __init__(self, weights: Weights | PackedModel, engine: Engine) -> None:
        if not fits_engine(weights.config):
            raise ValueError(
                "the C engine needs a head_dim that 4 divides and at most 64 query heads a key head"
            )
        self.packed = weights if isinstance(weights, PackedModel) else pack_model(weights, engine)
        self.config = weights.config
        self.engine = engine
        self._layers = (structs.LayerWeights * len(self.packed.layers))(*map(_layer, self.packed.layers))
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
        tokens = np.concatenate([segment.tokens for segment in segments])
        sequences = [
            structs.Sequence(cast(PackedKVCache, s.cache).struct(), s.cache.length, len(s.tokens))
            for s in segments
        ]
        hidden = Hidden(*self.engine.forward(self._model, sequences, tokens))
        for segment in segments:
            segment.cache.advance(len(segment.tokens))
        return hidden

    def logits(self, hidden: Hidden, ids: np.ndarray | None) -> np.ndarray:
        head = self.packed.head
        if ids is None:
            return self.engine.linear(hidden.q, hidden.s, self._whole_head())
        return self.engine.linear(hidden.q, hidden.s, self.engine.pack(head.weight, head.scale, ids=ids))

    def argmax(self, hidden: Hidden, ids: np.ndarray | None) -> np.ndarray:
        return self.engine.argmax(self.logits(hidden, ids), ids)

    def _whole_head(self) -> PackedLinear:
        """Packed at first use: decoding that is held to known lines never reads the whole vocabulary."""
        with self._head_lock:
            if self._head is None:
                self._head = self.engine.pack(self.packed.head.weight, self.packed.head.scale)
            return self._head

    def _model_struct(self) -> structs.ModelWeights:
        config, model = self.config, self.packed
        return structs.ModelWeights(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.num_layers,
            heads=config.num_heads,
            kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            eps=config.rms_norm_eps,
            score=LOG2_E / math.sqrt(config.head_dim),
            embed=pointer(model.embed.weight),
            embed_scale=pointer(model.embed.scale),
            final_norm=pointer(model.final_norm),
            cosine=pointer(model.cos),
            sine=pointer(model.sin),
            layer=self._layers,
        )


def _layer(layer: PackedLayer) -> structs.LayerWeights:
    norms = (layer.attn_norm, layer.mlp_norm, layer.q_norm, layer.k_norm)
    matrices = (layer.qkv, layer.o, layer.gate_up, layer.down)
    return structs.LayerWeights(*map(pointer, norms), *(matrix.struct for matrix in matrices))
