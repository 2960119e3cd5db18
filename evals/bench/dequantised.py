"""A stock transformers model with the weights that samebytes serves: what a rival has to be compared on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.config import ModelConfig
from kernels.weights import Layer, Linear8, load_weights

ATTENTION, MLP = "qkvo", ("gate", "up", "down")


def open_dequantised(folder: Path, dtype: torch.dtype) -> Any:
    """A `LlamaForCausalLM` in `dtype`, every weight int8 · scale of its row rounded once.

    Raises WeightsError for a file that cannot be served, ValueError for a model that is no Llama.
    """
    from transformers import LlamaForCausalLM

    weights = load_weights(folder / "model.safetensors")
    config = weights.config
    if config.attention_bias or config.qk_norm:
        raise ValueError("only models of the Llama family are made into transformers' models")
    state = {"model.embed_tokens.weight": _float(weights.embed), "model.norm.weight": weights.final_norm}
    state["lm_head.weight"] = _float(weights.head)
    for number, layer in enumerate(weights.layers):
        state |= {f"model.layers.{number}.{name}": value for name, value in _layer(layer).items()}
    model: Any = LlamaForCausalLM(_config(config))
    model.load_state_dict(state)
    return model.to(dtype)


def _float(linear: Linear8) -> Tensor:
    return linear.weight.float() * linear.scale[:, None]


def _layer(layer: Layer) -> dict[str, Tensor]:
    state = {f"self_attn.{name}_proj.weight": _float(getattr(layer, name)) for name in ATTENTION}
    state |= {f"mlp.{name}_proj.weight": _float(getattr(layer, name)) for name in MLP}
    state["input_layernorm.weight"] = layer.attn_norm
    state["post_attention_layernorm.weight"] = layer.mlp_norm
    return state


def _config(config: ModelConfig) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        max_position_embeddings=config.max_position,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        rms_norm_eps=config.rms_norm_eps,
        tie_word_embeddings=config.tie_word_embeddings,
    )
