/* The element-wise parts of NUMERICS.md, row by row. Plain float arithmetic, compiled without contraction, so each
 * operation rounds once in the order written. Maxima go over the bits of absolute values, where integer order is
 * float order. */
#ifndef SAMEBYTES_ROWS_H
#define SAMEBYTES_ROWS_H

#include <math.h>

#include "tile.h"

#define LOG2_E ((float)1.4426950408889634)

INLINE float from_bits(int32_t bits)
{
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

INLINE int32_t to_bits(float value)
{
    int32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

INLINE float power_of_two(int exponent) { return from_bits((exponent + 127) << 23); }

/* rint for |x| < 2^22: the addition rounds to a whole number, ties to even, and leaves it in the low bits. */
INLINE int32_t round_even(float x) { return to_bits(x + 0x1.8p23f) - 0x4b400000; }

INLINE float largest(const float *x, size_t count)
{
    int32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t magnitude = to_bits(x[i]) & 0x7fffffff;
        bits = magnitude > bits ? magnitude : bits;
    }
    return from_bits(bits);
}

/* EXP2 of d <= 0, where the larger bits are the lower number. p × 2^n is exact: n is added to the exponent of p. */
INLINE float exp2_contract(float d)
{
    const uint32_t bits = (uint32_t)to_bits(d), lowest = 0xc1c00000; /* -24 */
    const float clamped = from_bits((int32_t)(bits < lowest ? bits : lowest));
    const float n = floorf(clamped);
    const float f = clamped - n;
    const float p = 1.0f + f * (0.6954244f + f * (0.22630768f + f * 0.07826797f));
    return from_bits((int32_t)((uint32_t)to_bits(p) + ((uint32_t)(int32_t)n << 23)));
}

/* Q8, written as q + ZERO */
INLINE float quantize_row(const float *z, size_t count, uint8_t *q)
{
    const float m = largest(z, count);
    if (m < 0x1p-100f) {
        memset(q, ZERO, count);
        return 0.0f;
    }
    const float r = 127.0f / m;
    for (size_t i = 0; i < count; i++)
        q[i] = (uint8_t)(round_even(z[i] * r) + ZERO);
    return m * (float)(1.0 / 127.0);
}

/* inv = 1 / sqrt(MS(x) + eps); returns 0 where the row counts as zeros */
INLINE int inverse_rms(const float *x, size_t count, float eps, float *inv)
{
    const float a = largest(x, count);
    if (a < 0x1p-30f)
        return 0;
    const int exponent = (to_bits(a) >> 23) - 127;
    const float unit = power_of_two(14 - exponent);
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t u = round_even(x[i] * unit);
        total += (int64_t)u * u;
    }
    const float mean = ((float)total / (float)count) * power_of_two(2 * (exponent - 14));
    *inv = 1.0f / sqrtf(mean + eps);
    return 1;
}

/* NQ; scratch holds count floats */
INLINE float norm_quantize_row(const float *x, const float *gain, size_t count, float eps, uint8_t *q,
                               float *scratch)
{
    float inv;
    if (!inverse_rms(x, count, eps, &inv)) {
        memset(q, ZERO, count);
        return 0.0f;
    }
    for (size_t i = 0; i < count; i++)
        scratch[i] = x[i] * gain[i];
    return quantize_row(scratch, count, q) * inv;
}

/* RMSNorm of a head, in place */
INLINE void norm_head(float *x, const float *gain, size_t count, float eps)
{
    float inv;
    if (!inverse_rms(x, count, eps, &inv)) {
        memset(x, 0, count * sizeof *x);
        return;
    }
    for (size_t i = 0; i < count; i++)
        x[i] = (x[i] * inv) * gain[i];
}

/* rotary position, in place; cosine and sine hold count / 2 values */
INLINE void rope_head(float *x, const float *cosine, const float *sine, size_t count)
{
    const size_t half = count / 2;
    for (size_t i = 0; i < half; i++) {
        const float first = x[i], second = x[i + half];
        x[i] = (first * cosine[i]) - (second * sine[i]);
        x[i + half] = (second * cosine[i]) + (first * sine[i]);
    }
}

INLINE void silu_mul_row(const float *gate, const float *up, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        const float e = exp2_contract(-(fabsf(gate[i]) * LOG2_E));
        const float numerator = gate[i] >= 0.0f ? 1.0f : e;
        const float sigma = numerator / (1.0f + e);
        out[i] = (gate[i] * sigma) * up[i];
    }
}

#endif
