"""The CPU path without a C compiler: the reference forward pass with faster exact products.

`torch._int_mm` is fast where the CPU has VNNI or AMX, but on others some int8 kernels saturate 16-bit sums of
pairs and are wrong. It is used only if it gets products with known answers right; otherwise float32 products
are, which are exact while every partial sum stays below 2^24.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from kernels.forward import ReferenceBackend
from kernels.selftest.known_answers import matmul_failures
from kernels.weights import Linear8, Weights

EXACT_K = 1040  # 1040 × 127² < 2^24
IntMatmul = Callable[[Tensor, Tensor], Tensor]


def int_mm(q: Tensor, w: Tensor) -> Tensor:
    """q int8 [T, K], w int8 [N, K] → int32 [T, N], as fast as oneDNN does it."""
    return torch._int_mm(q, w.T)


def float_mm(q: Tensor, w: Tensor) -> Tensor:
    """As `int_mm`, by float32 products over slices of K: exact in any order, fused or not."""
    total = torch.zeros(q.shape[0], w.shape[0], dtype=torch.int32)
    for columns in torch.arange(q.shape[1]).split(EXACT_K):
        part = slice(int(columns[0]), int(columns[-1]) + 1)
        total += (q[:, part].float() @ w[:, part].float().T).to(torch.int32)
    return total


def pick_matmul(candidates: tuple[IntMatmul, ...] = (int_mm, float_mm)) -> IntMatmul:
    """The first product that gives every known answer. Raises RuntimeError when none does."""
    for candidate in candidates:
        if not matmul_failures(candidate):
            return candidate
    raise RuntimeError("no integer product of this machine gives the known answers")


class TorchBackend(ReferenceBackend):
    """Slower than the C engine, same bits."""

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        super().__init__(weights, threads)
        self.matmul = pick_matmul()

    def linear(self, q: Tensor, s: Tensor, layer: Linear8) -> Tensor:
        acc = self.matmul(q.contiguous(), layer.weight).to(torch.float32)
        y = (acc * s[:, None]) * layer.scale[None, :]
        return y if layer.bias is None else y + layer.bias[None, :]
