"""The same decoder in plain bf16 torch (cuBLAS, SDPA): what the exact backend is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

from kernels.arrays import Array
from kernels.config import ModelConfig
from kernels.weights import Linear8, Weights


def _on(array: Array, device: str) -> Tensor:
    return torch.as_tensor(array).to(device)


class PlainModel:
    """Weights dequantised to bf16; q, k, v and gate, up as one product each; a static contiguous cache."""

    def __init__(self, weights: Weights, batch: int, positions: int, device: str = "cuda") -> None:
        self.config = config = weights.config

        def dense(*parts: Linear8) -> Tensor:
            rows = [_on(part.weight, device).float() * _on(part.scale, device)[:, None] for part in parts]
            return torch.cat(rows).to(torch.bfloat16)

        def gain(norm: Array) -> Tensor:
            return _on(norm, device).to(torch.bfloat16)

        self.embed = dense(weights.embed)
        self.head = self.embed if weights.head is weights.embed else dense(weights.head)
        self.layers = [
            (
                gain(layer.attn_norm),
                dense(layer.q, layer.k, layer.v),
                _bias(layer.q, layer.k, layer.v, device=device),
                dense(layer.o),
                gain(layer.mlp_norm),
                dense(layer.gate, layer.up),
                dense(layer.down),
            )
            for layer in weights.layers
        ]
        self.final_norm = gain(weights.final_norm)
        angles = [_on(table, device).to(torch.bfloat16) for table in (weights.cos, weights.sin)]
        self.cos, self.sin = (torch.cat((table, table), dim=-1) for table in angles)
        shape = (config.num_layers, batch, config.num_kv_heads, positions, config.head_dim)
        self.k = torch.randn(shape, dtype=torch.bfloat16, device=device)
        self.v = torch.randn(shape, dtype=torch.bfloat16, device=device)

    def forward(self, tokens: Tensor, past: int) -> Tensor:
        """tokens int64 [B, n] after `past` cached positions each -> final hidden rows bf16 [B, n, hidden]."""
        config, (b, n) = self.config, tokens.shape
        cos, sin = self.cos[past : past + n], self.sin[past : past + n]
        x = F.embedding(tokens, self.embed)
        for index, (attn_norm, qkv, bias, o, mlp_norm, gate_up, down) in enumerate(self.layers):
            normed = F.rms_norm(x, (config.hidden_size,), attn_norm, config.rms_norm_eps)
            heads = F.linear(normed, qkv, bias).view(b, n, -1, config.head_dim).transpose(1, 2)
            q, k, v = heads.split([config.num_heads, config.num_kv_heads, config.num_kv_heads], dim=1)
            q, k = _turn(q, cos, sin), _turn(k, cos, sin)
            self.k[index, :b, :, past : past + n] = k
            self.v[index, :b, :, past : past + n] = v
            keys, values = self.k[index, :b, :, : past + n], self.v[index, :b, :, : past + n]
            x = x + F.linear(self._attend(q, keys, values).transpose(1, 2).flatten(2), o)
            normed = F.rms_norm(x, (config.hidden_size,), mlp_norm, config.rms_norm_eps)
            gate, up = F.linear(normed, gate_up).chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, down)
        return F.rms_norm(x, (config.hidden_size,), self.final_norm, config.rms_norm_eps)

    def logits(self, hidden: Tensor) -> Tensor:
        """bf16 [..., V]."""
        return F.linear(hidden, self.head)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n, keys = q.shape[2], k.shape[2]
        if n in (1, keys):
            return F.scaled_dot_product_attention(q, k, v, is_causal=n > 1, enable_gqa=True)
        group = q.shape[1] // k.shape[1]  # the bias subclass knows no grouped heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(n, keys))


def batch_variance(model: PlainModel, sizes: Sequence[int], past: int) -> tuple[int, int]:
    """How one sequence's next logits follow from its batch: distinct rows, and the most values that change.

    Every sequence of a batch has the same `past` positions and the same token, so every row should be equal.
    """
    model.k[:], model.v[:] = model.k[:, :1].clone(), model.v[:, :1].clone()
    token = torch.randint(model.config.vocab_size, (1, 1), device=model.k.device)
    rows = [model.logits(model.forward(token.expand(n, 1), past))[0, 0] for n in sizes]
    distinct = len({row.float().cpu().numpy().tobytes() for row in rows})
    return distinct, max(int((row != rows[0]).sum()) for row in rows)


def random_weights(config: ModelConfig, device: str = "cuda", seed: int = 0) -> Weights:
    """Random int8 weights of any size made on the device, for timing; activations keep a norm near one."""
    from kernels.rope import rope_tables
    from kernels.weights import Layer, projection_shapes

    g = torch.Generator(device).manual_seed(seed)

    def linear(n: int, k: int, bias: bool = False) -> Linear8:
        weight = torch.randint(-127, 128, (n, k), dtype=torch.int8, device=device, generator=g)
        scale = (torch.rand(n, device=device, generator=g) + 0.5) * (3**0.5 / 127 / k**0.5)
        return Linear8(weight, scale, torch.randn(n, device=device, generator=g) if bias else None)

    def gain() -> Tensor:
        return torch.rand(config.hidden_size, device=device, generator=g) + 0.5

    layers = []
    for _ in range(config.num_layers):
        parts = {
            name: linear(n, k, config.attention_bias and name in ("q", "k", "v"))
            for name, (n, k) in projection_shapes(config).items()
        }
        layers.append(Layer(attn_norm=gain(), mlp_norm=gain(), q_norm=None, k_norm=None, **parts))
    embed = linear(config.vocab_size, config.hidden_size)
    cos, sin = rope_tables(config.max_position, config.head_dim, config.rope_theta)
    return Weights(config, embed, tuple(layers), gain(), embed, cos, sin, sha256="")


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def _bias(*parts: Linear8, device: str) -> Tensor | None:
    biases = [part.bias.to(device, torch.bfloat16) for part in parts if part.bias is not None]
    return torch.cat(biases) if biases else None
