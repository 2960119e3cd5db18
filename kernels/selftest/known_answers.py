"""Questions with known answers, hard ones, that a fast implementation must get right before it may serve.

Inputs come from integer generators, so they are the same everywhere; answers come from kernels/reference.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from kernels import reference as ref
from kernels.selftest.tiny_models import random_bytes

_SHAPES = ((1, 64, 16), (1, 576, 192), (5, 72, 211), (17, 1536, 80), (64, 576, 96), (70, 104, 33))


class RowOperations(Protocol):
    """What an engine offers besides products; each as in kernels/reference.py."""

    def quantize_rows(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def rms_norm_quantize(
        self, x: np.ndarray, g: np.ndarray, eps: float
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def silu_mul(self, g: np.ndarray, u: np.ndarray) -> np.ndarray: ...

    def exp2(self, d: np.ndarray) -> np.ndarray: ...


def int8_noise(seed: int, *shape: int) -> np.ndarray:
    """int8 in ±127."""
    noise = random_bytes(seed, int(np.prod(shape))).astype(np.int16) - 128
    return np.maximum(noise, -127).astype(np.int8).reshape(shape)


def float_noise(seed: int, *shape: int) -> np.ndarray:
    """Float32 rows that differ in size by up to 2^40, with ties, repeats, subnormals and a row of zeros."""
    count = int(np.prod(shape))
    mantissa = random_bytes(seed, 4 * count).view("<i4").astype(np.float32).reshape(shape)
    exponent = (
        random_bytes(seed + 1, shape[0]).astype(np.int32).reshape(-1, *[1] * (len(shape) - 1)) % 40 - 50
    )
    value = np.ldexp(mantissa, exponent).astype(np.float32)
    flat = value.reshape(-1)
    flat[::17] = np.float32(0.5)
    flat[5::23] = np.float32(1e-40)
    flat[7::29] = np.float32(-2.5)
    value[-1] = 0
    return value


def matmul_cases() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, q int8 [T, K], w int8 [N, K]). The extremes overflow any saturating 16-bit sum of pairs."""
    for seed, (t, k, n) in enumerate(_SHAPES):
        yield f"random {t}x{k}x{n}", int8_noise(seed, t, k), int8_noise(seed + 99, n, k)
        q, w = np.full((t, k), 127, np.int8), np.full((n, k), 127, np.int8)
        yield f"largest {t}x{k}x{n}", q, w
        yield f"smallest {t}x{k}x{n}", q, -w
        signs = np.where(np.arange(k) % 4 < 2, 1, -1).astype(np.int8)
        yield f"pairs {t}x{k}x{n}", q * signs, w * signs
        yield f"negative rows {t}x{k}x{n}", -q, w * signs


def matmul_failures(matmul: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> list[str]:
    """Names of the cases that `matmul(q, w) = q @ w.T` gets wrong."""
    return [
        name
        for name, q, w in matmul_cases()
        if not np.array_equal(matmul(q, w).astype(np.int64), ref.exact_matmul(q, w.T))
    ]


def row_failures(ops: RowOperations) -> list[str]:
    """Names of the row-wise operations that differ from the reference in any bit."""
    failures = []
    for seed, (t, n) in enumerate(((9, 64), (33, 576), (6, 1537))):
        x, g = float_noise(seed, t, n), float_noise(seed + 50, 1, n)[0]
        g = np.where(g == 0, np.float32(1), g.clip(-4, 4))
        pairs = (
            ("quantize", ops.quantize_rows(x), ref.quantize_rows(x)),
            ("norm", ops.rms_norm_quantize(x, g, 1e-5), ref.rms_norm_quantize(x, g, 1e-5)),
            ("silu", (ops.silu_mul(x.clip(-40, 40), x),), (ref.silu_mul(x.clip(-40, 40), x),)),
            ("exp2", (ops.exp2(-np.abs(x)),), (ref.exp2(-np.abs(x)),)),
        )
        failures += [
            f"{name} {t}x{n}"
            for name, ours, theirs in pairs
            if not all(same_bits(a, b) for a, b in zip(ours, theirs, strict=True))
        ]
    return failures


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal shape, dtype and bytes: 0 and −0 differ here, which a comparison would let pass."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
