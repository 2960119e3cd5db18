"""The CPU path without the C engine: the reference forward pass with faster exact products.

Float32 products of integers are exact in any order, fused or not, while every partial sum stays below 2^24.
"""

from __future__ import annotations

import numpy as np

from kernels import reference as ref
from kernels.forward import ReferenceBackend
from kernels.selftest.known_answers import matmul_failures
from kernels.weights import Linear8, Weights

EXACT_K = 1040  # 1040 × 127² < 2^24


def float_mm(q: np.ndarray, w: np.ndarray) -> np.ndarray:
    """q int8 [T, K], w int8 [N, K] → int32 [T, N], by float32 products over slices of K."""
    total = np.zeros((q.shape[0], w.shape[0]), np.int32)
    for first in range(0, q.shape[1], EXACT_K):
        part = slice(first, first + EXACT_K)
        total += (q[:, part].astype(np.float32) @ w[:, part].astype(np.float32).T).astype(np.int32)
    return total


class NumpyBackend(ReferenceBackend):
    """Slower than the C engine, same bits. Raises RuntimeError where numpy's products are wrong."""

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        super().__init__(weights, threads)
        if failures := matmul_failures(float_mm):
            raise RuntimeError(f"numpy's products of this machine are wrong: {', '.join(failures)}")

    def linear(self, q: np.ndarray, s: np.ndarray, layer: Linear8) -> np.ndarray:
        return ref.scaled_sums(float_mm(q, layer.weight), s, layer.scale, layer.bias)
