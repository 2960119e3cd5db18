"""Rotary position tables, the same on every machine.

`cos` and `sin` of a C library differ in the last bit from one machine to the next. Here the angle is an exact
integer fraction of a turn, and the cosine of what remains after whole quarter turns is a Taylor polynomial in
element-wise float64 (`+` and `×` only), so every machine derives the same table.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np

TABLE_SCALE = 2.0**15
_PI = "3.14159265358979323846264338327950288419716939937510"
_RADIANS_PER_UNIT = float.fromhex("0x1.921fb54442d18p-62")  # 2π / 2^64
_COS = [1.0, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200]
_SIN = [1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000]


def _turns(head_dim: int, theta: float) -> np.ndarray:
    """`rint(2^64 × θ^(−2i/d) / 2π)`, uint64 [head_dim / 2]: how far one position turns channel pair i."""
    with localcontext() as context:
        context.prec = 50
        log_theta = Decimal(theta).ln()
        full = Decimal(2**64) / (2 * Decimal(_PI))
        steps = [full * (log_theta * Decimal(-2 * i) / Decimal(head_dim)).exp() for i in range(head_dim // 2)]
        return np.array([int(step.to_integral_value()) for step in steps], dtype=np.uint64)


def _polynomial(coefficients: list[float], square: np.ndarray) -> np.ndarray:
    result = np.full_like(square, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * square
        result = result + coefficient
    return result


@lru_cache(maxsize=8)
def rope_tables(positions: int, head_dim: int, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin, each float32 [positions, head_dim / 2], every value a multiple of 2^-15.

    Position p of pair i turns by `p × θ^(−2i/d)`. The arrays are shared: do not write to them.
    """
    phase = np.arange(positions, dtype=np.uint64)[:, None] * _turns(head_dim, theta)[None, :]  # mod one turn
    quarter = (phase + np.uint64(1 << 61)) >> np.uint64(62)  # 0 .. 4; 4 is again 0
    rest = (phase - (quarter << np.uint64(62))).view(np.int64)  # an eighth of a turn either way
    angle = rest.astype(np.float64) * _RADIANS_PER_UNIT
    square = angle * angle
    cosine, sine = _polynomial(_COS, square), _polynomial(_SIN, square) * angle
    quarter = (quarter & np.uint64(3)).astype(np.int64)
    cos = np.choose(quarter, [cosine, -sine, -cosine, sine])
    sin = np.choose(quarter, [sine, cosine, -sine, -cosine])
    to_table = [np.rint(table * TABLE_SCALE) * (1 / TABLE_SCALE) + 0.0 for table in (cos, sin)]  # no −0
    return to_table[0].astype(np.float32), to_table[1].astype(np.float32)


def rope_sha256(positions: int, head_dim: int, theta: float) -> str:
    """SHA-256 over the little-endian int32 tables `2^15 × cos` then `2^15 × sin`."""
    digest = hashlib.sha256()
    for table in rope_tables(positions, head_dim, theta):
        digest.update((table * np.float32(TABLE_SCALE)).astype("<i4").tobytes())
    return digest.hexdigest()
