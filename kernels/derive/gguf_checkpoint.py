"""Reads a llama-architecture GGUF file with the small `gguf` package.

llama.cpp's converter interleaves the two rotary halves of each query and key head (`LlamaModel.permute` in
convert_hf_to_gguf.py); they are put back here, since the contract splits halves as Llama itself does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from kernels.config import ModelConfig
from kernels.derive.errors import CheckpointError
from kernels.digest import file_sha256

_NAMES = {
    "attn_norm": "attn_norm",
    "mlp_norm": "ffn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
_TOP = {"embed": "token_embd", "final_norm": "output_norm", "head": "output"}
_CONTROL = int(gguf.TokenType.CONTROL)


class GgufCheckpoint:
    """A `.gguf` file of architecture `llama` with a GPT-2 style (byte-level BPE) tokenizer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._reader = gguf.GGUFReader(path)
        except (ValueError, OSError) as error:
            raise CheckpointError(f"{path}: not a GGUF file: {error}") from error
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        architecture = self._field("general.architecture")
        if architecture != "llama":
            raise CheckpointError(f"{path}: architecture {architecture!r} is not supported (llama is)")
        heads = int(self._field("llama.attention.head_count"))
        hidden = int(self._field("llama.embedding_length"))
        self.config = ModelConfig(
            vocab_size=len(self._field("tokenizer.ggml.tokens")),
            hidden_size=hidden,
            intermediate_size=int(self._field("llama.feed_forward_length")),
            num_layers=int(self._field("llama.block_count")),
            num_heads=heads,
            num_kv_heads=int(self._field("llama.attention.head_count_kv")),
            head_dim=int(self._field("llama.rope.dimension_count", hidden // heads)),
            rope_theta=float(self._field("llama.rope.freq_base", 10_000.0)),
            rms_norm_eps=float(self._field("llama.attention.layer_norm_rms_epsilon")),
            max_position=int(self._field("llama.context_length")),
            tie_word_embeddings="output.weight" not in self._tensors,
        )

    def tensor(self, name: str) -> np.ndarray:
        """Dequantised as `gguf` does: element-wise float32, so equal everywhere."""
        stored = _TOP.get(name)
        part = ""
        if stored is None:
            _, layer, part = name.split(".", 2)
            stored = f"blk.{layer}.{_NAMES.get(part, part)}"
        tensor = self._tensors.get(f"{stored}.weight")
        if tensor is None:
            raise CheckpointError(f"{self.path}: there is no tensor {stored}.weight")
        value = gguf.dequantize(tensor.data, tensor.tensor_type)
        if part in ("q", "k"):
            value = join_rotary_halves(value, self.config.head_dim)
        return value.astype(np.float64)

    def tokenizer_json(self) -> bytes:
        if self._field("tokenizer.ggml.model") != "gpt2":
            raise CheckpointError(f"{self.path}: its tokenizer is not byte-level BPE")
        tokens = self._field("tokenizer.ggml.tokens")
        kinds = self._field("tokenizer.ggml.token_type")
        merges = self._field("tokenizer.ggml.merges")
        special = [i for i, kind in enumerate(kinds) if kind == _CONTROL]
        pre = str(self._field("tokenizer.ggml.pre", "default"))
        return byte_level_bpe_json(tokens, merges, special, pre)

    def source(self) -> dict[str, str]:
        return {self.path.name: file_sha256(self.path)}

    def _field(self, key: str, default: Any = None) -> Any:
        field = self._reader.get_field(key)
        if field is None:
            if default is None:
                raise CheckpointError(f"{self.path}: the metadata has no {key}")
            return default
        return field.contents()


def join_rotary_halves(weight: np.ndarray, head_dim: int) -> np.ndarray:
    """weight [N, K] whose head rows are (0, d/2, 1, d/2 + 1, …) → rows (0, 1, 2, …) of each head."""
    pairs = weight.reshape(-1, head_dim // 2, 2, weight.shape[1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def byte_level_bpe_json(tokens: list[str], merges: list[str], special: list[int], pre: str) -> bytes:
    """`tokenizer.json` written out here, so that its bytes do not depend on a library's version.

    `pre` names the pre-tokenizer as llama.cpp does: `smollm` takes digits one by one before the GPT-2 split,
    `gpt2` and `default` are the GPT-2 split alone. Raises CheckpointError for others.
    """
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    if pre not in ("smollm", "gpt2", "gpt-2", "default"):
        raise CheckpointError(f"pre-tokenizer {pre!r} is not supported; convert from a folder instead")
    steps = [digits, byte_level] if pre == "smollm" else [byte_level]
    added_flags = {
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": tokens[i], **added_flags} for i in special],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in merges],
        },
    }
    return json.dumps(tokenizer, ensure_ascii=False, indent=1).encode()
