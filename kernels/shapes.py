"""The two model shapes that checks and timings use."""

from __future__ import annotations

from kernels.config import ModelConfig

SHAPES = {
    "135M": ModelConfig(  # SmolLM2-135M
        vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_layers=30, num_heads=9,
        num_kv_heads=3, head_dim=64, rope_theta=100_000.0, rms_norm_eps=1e-5, max_position=8192,
        tie_word_embeddings=True,
    ),
    "1.5B": ModelConfig(  # Qwen2.5-Coder-1.5B
        vocab_size=151_936, hidden_size=1536, intermediate_size=8960, num_layers=28, num_heads=12,
        num_kv_heads=2, head_dim=128, rope_theta=1_000_000.0, rms_norm_eps=1e-6, max_position=8192,
        tie_word_embeddings=True, attention_bias=True,
    ),
}  # fmt: skip
