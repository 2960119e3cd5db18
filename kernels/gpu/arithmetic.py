"""The element-wise arithmetic of NUMERICS.md as Triton device functions, and the strict launch option.

Triton contracts `a * b + c` into a fused multiply-add unless a launch says otherwise, and its plain `/` and
`sqrt` are approximate, so every kernel here is launched with `STRICT` and divides with `div_rn` / `sqrt_rn`.
"""

from __future__ import annotations

import triton
import triton.language as tl

STRICT = {"enable_fp_fusion": False}
INTERPRETED: bool = triton.knobs.runtime.interpret

# Adding 1.5 * 2^23 to |x| <= 2^22 leaves no bit for a fraction: the addition itself rounds x to the nearest
# integer, ties to even, and the low 23 bits of the sum hold that integer. Two full-rate instructions, exact.
RINT = tl.constexpr(12582912.0)
RINT_BITS = tl.constexpr(0x4B400000)
DIGIT_RINT = tl.constexpr(12582912.0 + 128.0)  # RINT, and 128 to make the low digit of `digits` signed
TINY_ROW = tl.constexpr(2.0**-100)
TINY_SQUARE = tl.constexpr(2.0**-30)
INV127 = tl.constexpr(1.0 / 127.0)
LOG2E = tl.constexpr(1.4426950408889634)
EXP2_C1 = tl.constexpr(0.6954244)
EXP2_C2 = tl.constexpr(0.22630768)
EXP2_C3 = tl.constexpr(0.07826797)
STEPS_OF_32 = tl.constexpr(393216.0)  # 1.5 * 2^18: its unit in the last place is 1/32


@triton.jit
def rint_bits(x):
    """Float32 bits of `x + 1.5 * 2^23`: RINT_BITS plus the nearest integer, ties to even. |x| <= 2^22."""
    return (x + RINT).to(tl.int32, bitcast=True)


@triton.jit
def rint(x):
    """The nearest int32, ties to even. |x| <= 2^22."""
    return rint_bits(x) - RINT_BITS


@triton.jit
def power_of_two(n):
    """2^n as an exact float32, -126 <= n <= 127."""
    return ((n + 127) << 23).to(tl.float32, bitcast=True)


if INTERPRETED:

    @triton.jit
    def _floor_plus_rint(d):
        return tl.floor(d) + RINT

    @triton.jit
    def saturated_difference(a, b):
        """a - b, held to [0, 1]."""
        return tl.minimum(tl.maximum(a - b, 0.0), 1.0)

    @triton.jit
    def _steps_down(x):
        return STEPS_OF_32 - tl.ceil(x * 32.0) * 0.03125

    @triton.jit
    def digits(x):
        """Two int8 digits (high, low) of rint(x) = 256 * high + low, for 0 <= x < 2^15 - 128."""
        shifted = (x + DIGIT_RINT).to(tl.int32, bitcast=True) & 0x7FFF
        return (shifted >> 8).to(tl.int8), ((shifted & 255) ^ 128).to(tl.int8)
else:

    @triton.jit
    def saturated_difference(a, b):
        """a - b, held to [0, 1]: one instruction."""
        return tl.inline_asm_elementwise(
            "sub.sat.f32 $0, $1, $2;", "=f,f,f", [a, b], dtype=tl.float32, is_pure=True, pack=1
        )

    @triton.jit
    def _steps_down(x):
        # The same bits as STEPS_OF_32 - ceil(32 * x) / 32 in one instruction: the subtraction rounds down.
        return tl.inline_asm_elementwise(
            "sub.rm.f32 $0, 0f48C00000, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )

    @triton.jit
    def digits(x):
        """Two int8 digits (high, low) of rint(x) = 256 * high + low, for 0 <= x < 2^15 - 128."""
        # With 128 added, byte 1 is the high digit and byte 0 the low one with its top bit flipped: five byte
        # operations for four values.
        return tl.inline_asm_elementwise(
            """{
            .reg .b32 a, b;
            prmt.b32 a, $2, $3, 0x5140;
            prmt.b32 b, $4, $5, 0x5140;
            prmt.b32 $0, a, b, 0x7632;
            prmt.b32 a, a, b, 0x5410;
            xor.b32 $1, a, 0x80808080;
            }""",
            "=r,=r,r,r,r,r",
            [(x + DIGIT_RINT).to(tl.int32, bitcast=True)],
            dtype=(tl.int8, tl.int8),
            is_pure=True,
            pack=4,
        )

    @triton.jit
    def _floor_plus_rint(d):
        # The same bits as floor(d) + RINT in one instruction: the addition rounds down, and for
        # -2^22 <= d <= 0 the sum's unit in the last place is 1.
        return tl.inline_asm_elementwise(
            "add.rm.f32 $0, $1, 0f4B400000;", "=f,f", [d], dtype=tl.float32, is_pure=True, pack=1
        )


@triton.jit
def exp2(d):
    """EXP2 of the contract for d <= 0; d below -24 counts as -24. The result is in [2^-24, 1 + 2^-23]."""
    shifted = _floor_plus_rint(tl.maximum(d, -24.0))
    f = tl.maximum(d, -24.0) - (shifted - RINT)
    p = 1.0 + f * (EXP2_C1 + f * (EXP2_C2 + f * EXP2_C3))
    # RINT_BITS << 23 is 0 modulo 2^32, so the shift leaves floor(d) in the exponent field.
    exponent = shifted.to(tl.int32, bitcast=True) << 23
    return (p.to(tl.int32, bitcast=True) + exponent).to(tl.float32, bitcast=True)


@triton.jit
def exp2_of_32nds(x):
    """EXP2(-32 * x) of the contract for 0 <= x <= 1, except that it goes on falling below 2^-24, to 2^-32.

    A 32nd of the exponent lets `saturated_difference` hold it for nothing, where `exp2` pays for a maximum.
    Products with powers of two are exact, so every step has the bits of `exp2`'s, scaled.
    """
    steps = _steps_down(x)
    f = (STEPS_OF_32 - steps) - x  # a 32nd of the f of `exp2`
    p = 1.0 + f * (EXP2_C1 * 32.0 + f * (EXP2_C2 * 1024.0 + f * (EXP2_C3 * 32768.0)))
    # The bits of STEPS_OF_32 << 23 are 0 modulo 2^32, so the shift leaves the exponent -ceil(32 * x).
    exponent = steps.to(tl.int32, bitcast=True) << 23
    return (p.to(tl.int32, bitcast=True) + exponent).to(tl.float32, bitcast=True)


@triton.jit
def row_reciprocal(m):
    """The factor r = 127 / m of Q8; 0 for a row that counts as zeros."""
    return tl.where(m < TINY_ROW, 0.0, tl.div_rn(tl.full(m.shape, 127.0, tl.float32), m))


@triton.jit
def row_scale(m):
    """The scale s = m * (1/127) of Q8; 0 for a row that counts as zeros."""
    return tl.where(m < TINY_ROW, 0.0, m * INV127)


@triton.jit
def square_shift(a):
    """Exponent E of a, 2^E <= a < 2^(E+1), from the bits; 0 where a is too small to matter (`a < 2^-30`)."""
    return tl.where(a < TINY_SQUARE, 0, (a.to(tl.int32, bitcast=True) >> 23) - 127)


@triton.jit
def fixed_point_squares(x, shift):
    """int64 squares of rint(x * 2^(14 - E)); their sum is exact in any order."""
    u = rint(x * power_of_two(14 - shift))
    return (u * u).to(tl.int64)


@triton.jit
def inverse_rms(square_sum, a, shift, width, eps):
    """1 / sqrt(MS + eps) from the int64 sum of squares of `width` channels; MS is 0 where `a < 2^-30`."""
    mean = tl.div_rn(square_sum.to(tl.float32), tl.full(a.shape, width, tl.float32))
    mean = tl.where(a < TINY_SQUARE, 0.0, mean * power_of_two(2 * (shift - 14)))
    return tl.div_rn(tl.full(a.shape, 1.0, tl.float32), tl.sqrt_rn(mean + eps))


@triton.jit
def silu_mul(g, u):
    """(g * sigmoid(g)) * u with the contract's exp2 and one correctly rounded division."""
    e = exp2(-(tl.abs(g) * LOG2E))
    numerator = tl.where(g >= 0, 1.0, e)
    return (g * tl.div_rn(numerator, 1.0 + e)) * u
