"""Reductions on the CPU in one fixed order: halves added to halves, whatever the shape around them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_PRODUCTS_AT_ONCE = 1 << 24


def tree_sum(x: Tensor) -> Tensor:
    """Sum over the last dimension, in float32, as a balanced tree of element-wise additions."""
    x = x.float()
    size = 1 << max(x.shape[-1] - 1, 0).bit_length()
    x = torch.nn.functional.pad(x, (0, size - x.shape[-1]))
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:]
    return x[..., 0]


def matmul(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a [B, M, K] times b [B, K, N], plus bias broadcast to [B, M, N]; float32 sums, result in a's dtype."""
    columns = b.float().transpose(1, 2)[:, None]  # [B, 1, N, K]
    step = max(1, _PRODUCTS_AT_ONCE // max(columns.numel(), 1))
    parts = [tree_sum(rows.float()[:, :, None] * columns) for rows in a.split(step, dim=1)]
    out = torch.cat(parts, dim=1) if parts else a.new_zeros(a.shape[0], 0, b.shape[2]).float()
    if bias is not None:
        out = out + bias.float()
    return out.to(a.dtype)


def row_sum(x: Tensor) -> Tensor:
    """x [R, N] -> [R] in float32."""
    return tree_sum(x)


def softmax(x: Tensor, log: bool) -> Tensor:
    """x [R, N] -> softmax or log-softmax of each row, in x's dtype."""
    shifted = x.float() - x.float().amax(dim=1, keepdim=True)
    e = torch.exp(shifted)
    total = tree_sum(e)[:, None]
    return (shifted - torch.log(total) if log else e / total).to(x.dtype)


def rms_norm(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """x [R, N], weight [N] -> x / sqrt(mean(x²) + eps) * weight, in x's dtype."""
    wide = x.float()
    scale = torch.rsqrt(tree_sum(wide * wide) / x.shape[1] + eps)[:, None]
    out = wide * scale
    return (out if weight is None else out * weight.float()).to(x.dtype)


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None
) -> Tensor:
    """q [B, H, T, D], k and v [B, Hkv, S, D], additive float32 mask [B, H, T, S] -> [B, H, T, D]."""
    batch, heads, queries, dim = q.shape
    keys = k.shape[2]
    k, v = (x.repeat_interleave(heads // k.shape[1], dim=1).flatten(0, 1) for x in (k, v))
    scores = matmul(q.flatten(0, 1).float(), k.transpose(1, 2).float()).view(batch, heads, queries, keys)
    scores = scores * (1 / math.sqrt(dim) if scale is None else scale)
    if causal:
        visible = torch.ones(queries, keys, dtype=torch.bool, device=q.device).tril()
        scores = scores.masked_fill(~visible, -math.inf)
    if mask is not None:
        scores = scores + mask
    weights = softmax(scores.flatten(0, 2), log=False).view(batch * heads, queries, keys)
    return matmul(weights, v.float()).view(batch, heads, queries, -1).to(q.dtype)


def rsqrt(x: Tensor) -> Tensor:
    """1 / sqrt(x), element-wise through float32."""
    return (1 / torch.sqrt(x.float())).to(x.dtype)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), element-wise through float32."""
    return (1 / (1 + torch.exp(-x.float()))).to(x.dtype)


def silu(x: Tensor) -> Tensor:
    """x * sigmoid(x), element-wise through float32."""
    return (x.float() / (1 + torch.exp(-x.float()))).to(x.dtype)


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit, exact or by tanh, element-wise through float32."""
    wide = x.float()
    if approximate == "tanh":
        gate = torch.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide * wide * wide))
    else:
        gate = torch.erf(wide * math.sqrt(0.5))
    return (wide * (0.5 * (1 + gate))).to(x.dtype)
