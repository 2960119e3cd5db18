"""A two-layer Llama checkpoint in a folder and samples that a few steps can learn."""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("USE_HUB_KERNELS", "0")

import numpy as np
import torch
from safetensors.torch import save_file

from tests.applier.tiny import tokenizer_json
from training.config import FitConfig
from training.samples.shards import Samples, write_shard

VOCABULARY, HIDDEN, INNER, LAYERS, HEADS, KV_HEADS = 400, 48, 96, 2, 4, 2
TOY_CONFIG = FitConfig(
    rank=4, alpha=4.0, steps=40, learning_rate=2e-2, warmup_steps=2, pack_tokens=96, pack_slots=12,
    head_chunk=32, compile=False, log_every=10, evaluate_every=1000, checkpoint_every=1000,
    decision_weight=1.0,
)  # fmt: skip


def toy_checkpoint(folder: Path) -> Path:
    """Writes a Hugging Face folder with random weights and a byte-level tokenizer."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)

    def weight(n: int, k: int) -> torch.Tensor:
        return torch.randn(n, k, generator=generator) * 0.1

    size = HIDDEN // HEADS
    tensors = {
        "model.embed_tokens.weight": weight(VOCABULARY, HIDDEN),
        "model.norm.weight": torch.ones(HIDDEN),
    }
    for i in range(LAYERS):
        layer = f"model.layers.{i}"
        tensors |= {
            f"{layer}.self_attn.q_proj.weight": weight(HIDDEN, HIDDEN),
            f"{layer}.self_attn.k_proj.weight": weight(KV_HEADS * size, HIDDEN),
            f"{layer}.self_attn.v_proj.weight": weight(KV_HEADS * size, HIDDEN),
            f"{layer}.self_attn.o_proj.weight": weight(HIDDEN, HIDDEN),
            f"{layer}.mlp.gate_proj.weight": weight(INNER, HIDDEN),
            f"{layer}.mlp.up_proj.weight": weight(INNER, HIDDEN),
            f"{layer}.mlp.down_proj.weight": weight(HIDDEN, INNER),
            f"{layer}.input_layernorm.weight": torch.ones(HIDDEN),
            f"{layer}.post_attention_layernorm.weight": torch.ones(HIDDEN),
        }
    save_file(tensors, folder / "model.safetensors")
    config = {
        "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "rope_theta": 10_000.0, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(tokenizer_json(VOCABULARY))
    return folder


def toy_samples(folder: Path, count: int = 40, seed: int = 0) -> Path:
    """Writes samples whose answer always counts up from the last token of the prompt."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    ids, lengths, prompts = [], [], []
    for _ in range(count):
        given, answer = int(rng.integers(3, 8)), int(rng.integers(4, 9))
        prompt = rng.integers(20, 40, given)
        ids += [*prompt, *(prompt[-1] + 1 + np.arange(answer))]
        lengths.append(given + answer)
        prompts.append(given)
    decisions = np.zeros(0, np.int32), np.zeros(count, np.int32)
    samples = Samples(
        np.array(ids, np.uint16), np.array(lengths, np.int32), np.array(prompts, np.int32), *decisions
    )
    write_shard(folder / "toy.xz", samples)
    return folder
