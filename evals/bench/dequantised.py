"""A stock transformers model with the weights that samebytes serves: what a rival has to be compared on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.arrays import Array
from kernels.derive.checkpoint import hf_name
from kernels.weights import PROJECTIONS, Linear8, load_weights

NORMS = ("attn_norm", "mlp_norm")


def open_dequantised(folder: Path, dtype: torch.dtype) -> Any:
    """A `LlamaForCausalLM` in `dtype`, every weight int8 · scale of its row rounded once.

    Raises WeightsError for a file that cannot be served, ValueError for a model that is not a Llama.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    weights = load_weights(folder / "model.safetensors")
    if weights.config.attention_bias or weights.config.qk_norm:
        raise ValueError("only models of the Llama family are made into transformers' models")
    tensors: dict[str, Array | Linear8] = {
        "embed": weights.embed,
        "final_norm": weights.final_norm,
        "head": weights.head,
    }
    for number, layer in enumerate(weights.layers):
        tensors |= {f"layers.{number}.{name}": getattr(layer, name) for name in (*NORMS, *PROJECTIONS)}
    model: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(**weights.config.to_hf()))
    model.load_state_dict({hf_name(name): _float(tensor) for name, tensor in tensors.items()})
    return model.to(dtype)


def _float(tensor: Array | Linear8) -> Tensor:
    if not isinstance(tensor, Linear8):
        return torch.from_numpy(tensor)
    return torch.from_numpy(tensor.weight).float() * torch.from_numpy(tensor.scale)[:, None]
