"""The shape of a decoder-only model: everything the forward pass must know besides the weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NUMERICS_VERSION = 1


class ConfigError(ValueError):
    """The model is outside what the arithmetic contract covers."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Llama, Qwen2 and Qwen3 family shapes: RMSNorm, rotary position, grouped-query attention, SwiGLU."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rope_theta: float
    rms_norm_eps: float
    max_position: int
    tie_word_embeddings: bool
    attention_bias: bool = False  # on q, k and v (Qwen2)
    qk_norm: bool = False  # RMSNorm of each query and key head (Qwen3)

    def __post_init__(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ConfigError(f"{self.num_heads} query heads do not divide by {self.num_kv_heads} key heads")
        if self.head_dim % 2:
            raise ConfigError(f"head_dim must be even (rotary position pairs channels), not {self.head_dim}")
        widest = max(self.hidden_size, self.intermediate_size, self.q_size)
        if widest > 133_000:
            raise ConfigError(f"a row of {widest} values overflows an int32 accumulator (at most 133,000)")
        if self.max_position > 131_072:
            raise ConfigError(f"{self.max_position} positions overflow the softmax sum (at most 131,072)")

    @property
    def q_size(self) -> int:
        """Channels of all query heads side by side."""
        return self.num_heads * self.head_dim

    @property
    def kv_size(self) -> int:
        """Channels of all key (or value) heads side by side."""
        return self.num_kv_heads * self.head_dim

    @property
    def group_size(self) -> int:
        """Query heads that share one key head."""
        return self.num_heads // self.num_kv_heads

    def to_json(self) -> str:
        """Canonical JSON (sorted keys, no spaces): equal configs give equal bytes."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """The inverse of `to_json`. Raises ConfigError on unknown or missing keys."""
        try:
            return cls(**json.loads(text))
        except (TypeError, json.JSONDecodeError) as error:
            raise ConfigError(f"not a model config: {error}") from error

    @classmethod
    def from_hf(cls, config: Mapping[str, Any]) -> ModelConfig:
        """From a Hugging Face `config.json` of a Llama, Qwen2 or Qwen3 checkpoint.

        Raises ConfigError for other architectures and for features outside the contract: scaled rotary
        position, sliding windows in use, an activation other than SiLU, biases beyond q, k and v.
        """
        family = config.get("model_type")
        if family not in ("llama", "qwen2", "qwen3"):
            raise ConfigError(f"model_type {family!r} is not supported (llama, qwen2 and qwen3 are)")
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind != "default":
            raise ConfigError(f"scaled rotary position ({kind!r}) is not part of the contract")
        if config.get("use_sliding_window"):
            raise ConfigError("sliding-window attention is not part of the contract")
        if config.get("hidden_act", "silu") != "silu":
            raise ConfigError(f"activation {config['hidden_act']!r} is not part of the contract (silu is)")
        if config.get("mlp_bias") or (family != "qwen2" and config.get("attention_bias")):
            raise ConfigError("only q, k and v may have a bias, and only in qwen2")
        heads = int(config["num_attention_heads"])
        return cls(
            vocab_size=int(config["vocab_size"]),
            hidden_size=int(config["hidden_size"]),
            intermediate_size=int(config["intermediate_size"]),
            num_layers=int(config["num_hidden_layers"]),
            num_heads=heads,
            num_kv_heads=int(config.get("num_key_value_heads") or heads),
            head_dim=int(config.get("head_dim") or int(config["hidden_size"]) // heads),
            rope_theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
            rms_norm_eps=float(config["rms_norm_eps"]),
            max_position=int(config["max_position_embeddings"]),
            tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
            attention_bias=family == "qwen2",
            qk_norm=family == "qwen3",
        )

    def to_hf(self) -> dict[str, Any]:
        """The inverse of `from_hf`: what `transformers.AutoConfig.for_model` takes."""
        return {
            "model_type": "qwen3" if self.qk_norm else "qwen2" if self.attention_bias else "llama",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "rms_norm_eps": self.rms_norm_eps,
            "max_position_embeddings": self.max_position,
            "tie_word_embeddings": self.tie_word_embeddings,
        }
