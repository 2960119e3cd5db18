"""The base as a transformers model with peft LoRA, whose layers compute as the int8 model will serve them.

Adapter and base are merged in every forward pass, W = W0 + scaling × B A, with the factors rounded as the
adapter file keeps them and the merged matrix rounded as it is served: what is trained is what is served.
"""

from __future__ import annotations

import os
from types import MethodType
from typing import Any, cast

os.environ.setdefault("USE_HUB_KERNELS", "0")  # a folder named `kernels` looks like that package

import torch
from torch import Tensor, nn

from kernels.config import ModelConfig
from kernels.derive.checkpoint import Checkpoint, hf_name
from kernels.weights import PROJECTIONS as _NAMES
from training.lora import packed_attention
from training.lora.fake_quant import linear8, product_type, quantize_rows, served_factors


def _module(name: str) -> str:
    """What a layer of transformers calls the module of a weight."""
    return hf_name(f"layers.0.{name}").removeprefix("model.layers.0.").removesuffix(".weight")


PROJECTIONS = {name: _module(name) for name in _NAMES}
NORMS = {name: _module(name) for name in ("attn_norm", "mlp_norm")}


def hf_config(config: ModelConfig) -> Any:
    """The transformers config of a Llama-family shape. Raises ValueError for Qwen shapes."""
    from transformers import AutoConfig

    if config.attention_bias or config.qk_norm:
        raise ValueError("training covers Llama shapes: no biases, no norms of heads")
    shape = config.to_hf() | {"tie_word_embeddings": True}
    return AutoConfig.for_model(**shape, attn_implementation=packed_attention.NAME, use_cache=False)


def _stored(checkpoint: Checkpoint, name: str) -> Tensor:
    return torch.from_numpy(checkpoint.tensor(name)).float()


class ApplyModel(nn.Module):
    """The decoder under training. Trainable: the LoRA factors and the norm gains."""

    embed_q: Tensor
    embed_s: Tensor

    def __init__(self, checkpoint: Checkpoint, rank: int, alpha: float) -> None:
        super().__init__()
        from peft import LoraConfig, get_peft_model
        from transformers import LlamaModel

        packed_attention.register()
        self.config = checkpoint.config
        decoder: Any = LlamaModel(hf_config(self.config))
        for i, layer in enumerate(decoder.layers):
            for name, path in PROJECTIONS.items():
                layer.get_submodule(path).weight.data = _stored(checkpoint, f"layers.{i}.{name}")
            for name, path in NORMS.items():
                getattr(layer, path).weight.data = _stored(checkpoint, f"layers.{i}.{name}")
        decoder.norm.weight.data = _stored(checkpoint, "final_norm")
        decoder.embed_tokens = nn.Identity()
        lora = LoraConfig(
            r=rank,
            lora_alpha=alpha,  # type: ignore[arg-type]
            lora_dropout=0.0,
            target_modules=[path.rpartition(".")[2] for path in PROJECTIONS.values()],
        )
        self.peft: Any = get_peft_model(decoder, lora)
        self.decoder = cast(Any, self.peft.base_model.model)
        q, s = quantize_rows(_stored(checkpoint, "embed"))
        self.register_buffer("embed_q", q.to(torch.int8))
        self.register_buffer("embed_s", s)
        for layer in self.decoder.layers:
            for path in PROJECTIONS.values():
                module = layer.get_submodule(path)
                module.forward = MethodType(merged_forward, module)
            for path in NORMS.values():
                getattr(layer, path).weight.requires_grad_(True)
        self.decoder.norm.weight.requires_grad_(True)

    def embed(self, ids: Tensor) -> Tensor:
        """ids [T] → float32 [T, D] of the int8 embedding."""
        return self.embed_q[ids].float() * self.embed_s[ids]

    def forward(self, ids: Tensor, positions: Tensor, cu_seqlens: Tensor, max_length: int) -> Tensor:
        """A pack → float32 [T, D] after the final norm."""
        out = self.decoder(
            inputs_embeds=self.embed(ids)[None],
            position_ids=positions[None],
            use_cache=False,
            cu_seqlens=cu_seqlens,
            max_length=max_length,
        )
        return out.last_hidden_state[0]

    def head_loss(self, hidden: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden [n, D], targets [n], weights [n] → (Σ weight × nats, right bool [n], margin float32 [n]).

        The margin is the best logit over the target's best rival: positive where the target is the argmax.
        """
        logits = head_logits(hidden, self.embed_q, self.embed_s)
        chosen = logits.gather(1, targets[:, None])[:, 0]
        loss = ((logits.logsumexp(-1) - chosen) * weights).sum()
        rival = logits.detach().scatter(1, targets[:, None], -torch.inf).amax(-1)
        margin = chosen.detach() - rival
        return loss, margin > 0, margin

    def compile_parts(self, parts: str) -> None:
        """Compiles whole "layers", only their "mlp", or "none" of them, in place of what was compiled."""
        for layer in self.decoder.layers:
            for module, name in ((layer, "layers"), (layer.mlp, "mlp")):
                module._compiled_call_impl = None
                if name == parts:
                    module.compile(dynamic=False)

    def trainable(self) -> dict[str, nn.Parameter]:
        """Parameters by name."""
        return {name: p for name, p in self.peft.named_parameters() if p.requires_grad}


def merged_forward(module: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """peft's LoRA layer as it will be served: one int8 matrix."""
    a, b = served_factors(
        module.lora_A["default"].weight, module.lora_B["default"].weight, module.scaling["default"]
    )
    w = module.base_layer.weight + b @ a
    return linear8(x.reshape(-1, x.shape[-1]), w).view(*x.shape[:-1], -1)


class _HeadLogits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, embed_q: Tensor, embed_s: Tensor) -> Tensor:
        q, s = quantize_rows(hidden)
        ctx.save_for_backward(embed_q, embed_s)
        half = product_type(hidden)
        return (q.to(half) @ embed_q.to(half).T).float() * s * embed_s.T

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        embed_q, embed_s = ctx.saved_tensors
        half = product_type(grad)
        return ((grad * embed_s.T).to(half) @ embed_q.to(half)).float(), None, None


def head_logits(hidden: Tensor, embed_q: Tensor, embed_s: Tensor) -> Tensor:
    """hidden [n, D] → float32 [n, V] through the tied int8 embedding."""
    return _HeadLogits.apply(hidden, embed_q, embed_s)  # type: ignore[no-untyped-call]
