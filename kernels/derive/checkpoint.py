"""Floating-point checkpoints as a source of weights: GGUF files and Hugging Face folders.

Tensor names are those of the int8 container without `.weight`: `embed`, `layers.{i}.q`, `layers.{i}.q.bias`,
`layers.{i}.attn_norm`, `final_norm`, `head`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import safe_open

from kernels.config import ModelConfig
from kernels.derive.errors import CheckpointError
from kernels.digest import file_sha256


class Checkpoint(Protocol):
    """A model in floating point, read one tensor at a time."""

    config: ModelConfig

    def tensor(self, name: str) -> np.ndarray:
        """float64, the stored value exactly. Raises CheckpointError when there is none."""

    def tokenizer_json(self) -> bytes:
        """`tokenizer.json` of the tokenizers library, the same bytes on every machine."""

    def source(self) -> dict[str, str]:
        """What was read: file name → SHA-256."""


def open_checkpoint(path: str | Path) -> Checkpoint:
    """A `.gguf` file or a folder with `config.json` and `*.safetensors`. Raises CheckpointError."""
    path = Path(path)
    if path.is_dir():
        return HuggingFaceCheckpoint(path)
    if path.suffix == ".gguf" and path.is_file():
        from kernels.derive.gguf_checkpoint import GgufCheckpoint

        return GgufCheckpoint(path)
    raise CheckpointError(f"{path}: neither a .gguf file nor a folder with config.json and *.safetensors")


_HF_NAMES = {
    "attn_norm": "input_layernorm.weight",
    "mlp_norm": "post_attention_layernorm.weight",
    "q_norm": "self_attn.q_norm.weight",
    "k_norm": "self_attn.k_norm.weight",
    **{name: f"self_attn.{name}_proj.weight" for name in "qkvo"},
    **{f"{name}.bias": f"self_attn.{name}_proj.bias" for name in "qkv"},
    **{name: f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")},
}
_HF_TOP = {"embed": "model.embed_tokens.weight", "final_norm": "model.norm.weight", "head": "lm_head.weight"}


def hf_name(name: str) -> str:
    """What Hugging Face calls a tensor of these names."""
    if name in _HF_TOP:
        return _HF_TOP[name]
    _, layer, part = name.split(".", 2)
    return f"model.layers.{layer}.{_HF_NAMES[part]}"


class HuggingFaceCheckpoint:
    """A folder as `save_pretrained` writes it: Llama, Qwen2 or Qwen3, in one or more safetensors files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.config = ModelConfig.from_hf(json.loads((folder / "config.json").read_text("utf-8")))
        except FileNotFoundError as error:
            raise CheckpointError(f"{folder}: there is no config.json") from error
        self._where: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(str(path), framework="np") as file:
                self._where.update(dict.fromkeys(file.keys(), path))
        if not self._where:
            raise CheckpointError(f"{folder}: there is no *.safetensors")

    def tensor(self, name: str) -> np.ndarray:
        stored = hf_name(name)
        if stored not in self._where:
            raise CheckpointError(f"{self.folder}: there is no tensor {stored}")
        try:
            import torch  # numpy has no bfloat16, in which most checkpoints are
        except ImportError as error:
            raise CheckpointError(
                f"{self.folder}: reading it takes torch: install samebytes[torch]"
            ) from error
        with safe_open(str(self._where[stored]), framework="pt") as file:
            return file.get_tensor(stored).to(torch.float64).numpy()

    def tokenizer_json(self) -> bytes:
        path = self.folder / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{self.folder}: there is no tokenizer.json (a fast tokenizer)")
        return path.read_bytes()

    def source(self) -> dict[str, str]:
        return {path.name: file_sha256(path) for path in sorted(set(self._where.values()))}
