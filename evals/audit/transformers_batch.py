"""Greedy decoding of a batch with a stock transformers model, with nothing done to make it deterministic.

The loop is written out so that the logits can be hashed: two batch sizes that give the same tokens may still
differ in every logit.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

# transformers would take a folder named `kernels` on sys.path for the Hub's package of that name.
os.environ.setdefault("USE_HUB_KERNELS", "0")


@dataclass(frozen=True, slots=True)
class Generation:
    """One row of a batch: the ids, and SHA-256 over the float32 logits of its prompt's last position."""

    tokens: tuple[int, ...]
    prefill_sha256: str
    prefill_top: float


class Bytes:
    """The tokenizer of a model that was never trained: the ids are the text's UTF-8 bytes."""

    pad_token_id = 0
    eos_token_id = None

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": list(text.encode())}


class BatchGenerator:
    """A causal language model from a Hugging Face folder or id, or from a GGUF file.

    With `seed`, the model of the folder's config.json with random weights, and no tokenizer: to see what a
    shape does on a device.
    """

    def __init__(
        self, model: str, gguf_file: str | None, dtype: str, device: str, seed: int | None = None
    ) -> None:
        self.device = device
        self.dtype = dtype
        self.name = gguf_file or Path(model).name
        self.tokenizer: Any
        if seed is None:
            self.tokenizer, loaded = _trained(model, gguf_file, dtype)
            # The model's own setting is one id or a list of them.
            ends = loaded.generation_config.eos_token_id
        else:
            self.name += f", random weights of seed {seed}"
            self.tokenizer, loaded, ends = Bytes(), _untrained(model, dtype, device, seed), None
        self.model = loaded.to(device).eval()
        self.attention = str(self.model.config._attn_implementation)
        self.eos = {self.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}

    def encode(self, prompts: Sequence[str], length: int | None = None) -> list[list[int]]:
        """Token ids of each prompt; with `length`, repeated and cut to exactly that many."""
        encoded = [self.tokenizer(prompt)["input_ids"] for prompt in prompts]
        if length is None:
            return encoded
        return [(ids * (length // len(ids) + 1))[:length] for ids in encoded]

    @torch.inference_mode()
    def generate(self, rows: Sequence[Sequence[int]], new_tokens: int) -> list[Generation]:
        """Greedy continuation of every row, left-padded to the longest, as one batch.

        Rows that finish are run on, and cut at their end-of-sequence token afterwards.
        """
        longest = max(len(row) for row in rows)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (longest - len(row)) + list(row) for row in rows], device=self.device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=self.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        out = self.model(ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        first = out.logits[:, -1].float().cpu().contiguous()
        digests = [hashlib.sha256(row.numpy().tobytes()).hexdigest() for row in first]
        step = out.logits[:, -1].argmax(-1)
        produced = [step]
        for _ in range(new_tokens - 1):
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            positions = positions[:, -1:] + 1
            out = self.model(
                step[:, None],
                attention_mask=mask,
                position_ids=positions,
                past_key_values=out.past_key_values,
                use_cache=True,
            )
            step = out.logits[:, -1].argmax(-1)
            produced.append(step)
        tokens = torch.stack(produced, dim=1).tolist()
        return [
            Generation(self._cut(row), digest, float(logits.max()))
            for row, digest, logits in zip(tokens, digests, first, strict=True)
        ]

    def _cut(self, row: list[int]) -> tuple[int, ...]:
        for index, token in enumerate(row):
            if token in self.eos:
                return tuple(row[: index + 1])
        return tuple(row)


def _trained(model: str, gguf_file: str | None, dtype: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    extra: dict[str, Any] = {"gguf_file": gguf_file} if gguf_file else {}
    loaded: Any = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype), **extra)
    return AutoTokenizer.from_pretrained(model, **extra), loaded


def _untrained(model: str, dtype: str, device: str, seed: int) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(
            AutoConfig.from_pretrained(model), dtype=getattr(torch, dtype)
        )
