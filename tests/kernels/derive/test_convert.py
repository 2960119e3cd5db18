"""Checkpoints become the right int8 model: same architecture as transformers, same bytes every time."""

from __future__ import annotations

import json
import os

import gguf
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from kernels.config import ConfigError
from kernels.derive.checkpoint import open_checkpoint
from kernels.derive.convert import PinMismatch, convert_base, quantize_weight
from kernels.derive.errors import CheckpointError
from kernels.model import Segment, load_model
from kernels.selftest.tiny_models import tiny_tokens

os.environ["USE_HUB_KERNELS"] = "0"

TEXTS = [
    "def f(x): return x + 1  # comment\n",
    "\t\tif 12345 > 0x3F:\r\n",
    "naïve = '日本語のテキスト' + '😀👩‍💻'\n",
    "    7,   1000 [1]   \n",
    "<|im_start|>user\n",
    "İ ﬀ \u200b \ufeff é e\u0301 \x00\x7f",
]


def hf_folder(tmp_path, family: str, tied: bool):
    transformers = pytest.importorskip("transformers")
    shape = {
        "vocab_size": 211,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "tie_word_embeddings": tied,
        "initializer_range": 0.1,
    }
    classes = {
        "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
        "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
        "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
    }
    config_class, model_class = classes[family]
    extra = {"head_dim": 32} if family == "qwen3" else {}
    torch.manual_seed(0)
    model = model_class(config_class(**shape, **extra)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                parameter.uniform_(0.5, 1.5)
    model.save_pretrained(tmp_path)
    byte_level_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return model


def byte_level_tokenizer() -> Tokenizer:
    from tokenizers.models import BPE

    return Tokenizer(BPE(vocab={"a": 0, "b": 1}, merges=[]))


@pytest.mark.parametrize(
    ("family", "tied"), [("llama", True), ("llama", False), ("qwen2", True), ("qwen3", False)]
)
def test_converted_folder_agrees_with_transformers(tmp_path, family, tied):
    reference = hf_folder(tmp_path / "hf", family, tied)
    folder = convert_base(tmp_path / "hf", tmp_path / "int8")
    model = load_model(folder, "reference")
    tokens = tiny_tokens(5, 60)
    ours = model.logits(model.forward([Segment(model.new_cache(60), tokens)]))
    with torch.no_grad():
        theirs = reference(torch.from_numpy(tokens)[None]).logits[0]
    similarity = torch.nn.functional.cosine_similarity(torch.from_numpy(ours), theirs, dim=-1)
    assert similarity.min() > 0.98
    assert similarity.mean() > 0.998


def test_conversion_is_repeatable_and_pinned(tmp_path):
    hf_folder(tmp_path / "hf", "llama", True)
    first = json.loads((convert_base(tmp_path / "hf", tmp_path / "a") / "manifest.json").read_text())
    again = convert_base(tmp_path / "hf", tmp_path / "b", expect_sha256=first["weights_sha256"])
    assert json.loads((again / "manifest.json").read_text()) == first
    assert load_model(again, "reference").weights_sha256 == first["weights_sha256"]
    with pytest.raises(PinMismatch, match="the pin is 00"):
        convert_base(tmp_path / "hf", tmp_path / "c", expect_sha256="00")
    assert not (tmp_path / "c" / "model.safetensors").exists()


def test_bad_checkpoints_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="neither"):
        open_checkpoint(tmp_path / "absent.gguf")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    with pytest.raises(ConfigError, match="mamba"):
        open_checkpoint(tmp_path)
    (tmp_path / "noise.gguf").write_bytes(b"not a gguf file at all")
    with pytest.raises(CheckpointError, match="not a GGUF file"):
        open_checkpoint(tmp_path / "noise.gguf")


def test_quantize_weight_worked_values():
    q, s = quantize_weight(np.array([[127.0, -63.5, 0.5], [0.0, 0.0, 0.0], [1e-5, -5e-6, 0.0]]))
    assert q.tolist() == [[127, -64, 0], [0, 0, 0], [10, -5, 0]]
    assert s.tolist() == [1.0, 0.0, 2.0**-20]


def write_gguf(path, pre: str = "smollm") -> dict[str, np.ndarray]:
    """A one-layer file with query and key rows in llama.cpp's order. Returns the rows in Llama's own."""
    rng = np.random.default_rng(0)
    hidden, heads, kv_heads, dim, inner = 32, 2, 1, 16, 64
    letters = [token for token in byte_alphabet() if token != "Ġ"]
    tokens = ["<|a|>", "Ġ", *letters, "ĠĠ", "Ġa"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(1)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(dim)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_context_length(64)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(tokens) - 1))
    writer.add_token_merges(["Ġ Ġ", "Ġ a"])
    shapes = {
        "token_embd": (len(tokens), hidden),
        "output_norm": (hidden,),
        "blk.0.attn_norm": (hidden,),
        "blk.0.ffn_norm": (hidden,),
        "blk.0.attn_q": (heads * dim, hidden),
        "blk.0.attn_k": (kv_heads * dim, hidden),
        "blk.0.attn_v": (kv_heads * dim, hidden),
        "blk.0.attn_output": (hidden, heads * dim),
        "blk.0.ffn_gate": (inner, hidden),
        "blk.0.ffn_up": (inner, hidden),
        "blk.0.ffn_down": (hidden, inner),
    }
    values = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    for name, value in values.items():
        stored = value
        if name.endswith(("attn_q", "attn_k")):
            stored = value.reshape(-1, 2, dim // 2, hidden).swapaxes(1, 2).reshape(value.shape)
        if value.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q4_1
            stored = gguf.quantize(np.ascontiguousarray(stored), kind)
            back = gguf.dequantize(stored, kind)
            if name.endswith(("attn_q", "attn_k")):
                back = back.reshape(-1, dim // 2, 2, hidden).swapaxes(1, 2).reshape(value.shape)
            values[name] = back
            writer.add_tensor(f"{name}.weight", stored, raw_dtype=kind)
        else:
            writer.add_tensor(f"{name}.weight", stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


def byte_alphabet() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def test_gguf_tensors_and_tokenizer(tmp_path):
    values = write_gguf(tmp_path / "m.gguf")
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    for ours, theirs in (
        ("layers.0.q", "blk.0.attn_q"),
        ("layers.0.k", "blk.0.attn_k"),
        ("embed", "token_embd"),
    ):
        assert np.array_equal(checkpoint.tensor(ours), values[theirs].astype(np.float64))
    assert checkpoint.config.tie_word_embeddings
    folder = convert_base(tmp_path / "m.gguf", tmp_path / "int8")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
    assert tokenizer.encode("  7").tokens == ["ĠĠ", "7"]  # digits are taken out before the split at spaces
    assert tokenizer.encode("<|a|>").ids == [0]
    model = load_model(folder, "reference")
    assert model.forward([Segment(model.new_cache(4), np.array([1, 2, 3]))]).q.shape == (3, 32)


def test_gguf_with_an_unknown_pre_tokenizer_is_refused(tmp_path):
    write_gguf(tmp_path / "m.gguf", pre="elvish")
    with pytest.raises(CheckpointError, match="elvish"):
        convert_base(tmp_path / "m.gguf", tmp_path / "int8")
