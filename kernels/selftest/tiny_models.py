"""Small random models from an integer generator: the same weights on every machine.

For tests and for the start-up self-test; sizes are odd on purpose, so that no tile divides them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from kernels.config import ModelConfig
from kernels.weights import Weights, build_weights, expected_tensors

Family = Literal["llama", "qwen2", "qwen3"]


def random_bytes(seed: int, count: int) -> np.ndarray:
    """uint8 [count] from SplitMix64 (Steele, Lea & Flood 2014) in counter mode."""
    with np.errstate(over="ignore"):
        z = np.arange(1, -(-count // 8) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = z + np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return z.astype("<u8").view(np.uint8)[:count]


def tiny_config(family: Family = "llama", tied: bool = True) -> ModelConfig:
    """Two layers of an odd shape, with the biases and norms of the family."""
    return ModelConfig(
        vocab_size=211,
        hidden_size=72,
        intermediate_size=104,
        num_layers=2,
        num_heads=6,
        num_kv_heads=2,
        head_dim=16,
        rope_theta=10_000.0,
        rms_norm_eps=1e-5,
        max_position=512,
        tie_word_embeddings=tied,
        attention_bias=family == "qwen2",
        qk_norm=family == "qwen3",
    )


def tiny_tensors(config: ModelConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """Random tensors of the container for `config`, in the range real weights have."""
    tensors = {}
    for index, (name, (dtype, shape)) in enumerate(expected_tensors(config).items()):
        noise = random_bytes(seed * 4096 + index, int(np.prod(shape))).astype(np.int32).reshape(shape)
        if dtype == np.int8:
            value = np.maximum(noise - 128, -127).astype(np.int8)
        elif name.endswith(".scale"):  # about 1 / (127 × sqrt(fan-in) / sqrt(3)), uneven from row to row
            value = ((noise + 128) / np.float32(256 * 1024)).astype(np.float32)
        elif name.endswith(".bias"):
            value = ((noise - 128) / np.float32(256)).astype(np.float32)
        else:
            value = ((noise + 128) / np.float32(256)).astype(np.float32)
        tensors[name] = value
    return tensors


def tiny_weights(family: Family = "llama", tied: bool = True, seed: int = 0) -> Weights:
    """A whole small model."""
    config = tiny_config(family, tied)
    return build_weights(config, tiny_tensors(config, seed))


def tiny_tokens(seed: int, count: int, vocab_size: int = 211) -> np.ndarray:
    """int64 [count], each in the vocabulary."""
    noise = random_bytes(seed + 1_000_003, 2 * count).astype(np.int64)
    return (noise[::2] * 256 + noise[1::2]) % vocab_size
