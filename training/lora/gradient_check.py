"""Compares a run's gradients with those of the plainest way to compute them, before any time is spent.

The fast path is compiled and uses a flash kernel over ragged samples; the reference is eager, one sample at a
time. With a kernel that drops a gradient, training looks fine for a hundred steps and then slowly gets worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

LEAST_COSINE = 0.9  # int8 rounding and bfloat16 sums move gradients by a few per cent
# The share of tensors that may differ more: 9 of 271 did on H200 GPUs, where training was sound.
TOLERATED = 0.1
TYPICAL_COSINE = 0.95  # of half of the tensors


class Way(NamedTuple):
    """How to compute: the way of attention (`packed_attention.WAYS`) and which parts are compiled
    (`ApplyModel.compile_parts`).
    """

    attention: str
    compiled: str


REFERENCE = Way("by_sample", "none")


class GradientMismatchError(RuntimeError):
    """No way to compute attention gives the reference's gradients."""


def gradients(parameters: dict[str, nn.Parameter], accumulate: Callable[[], object]) -> dict[str, Tensor]:
    """The gradients that one call of `accumulate` leaves, which are then cleared."""
    accumulate()
    found = {}
    for name, parameter in parameters.items():
        found[name] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
        parameter.grad = None
    return found


def disagreements(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    """Names of the tensors whose gradients speak against a way; empty where it may be used.

    One gradient that is not finite is enough. So are too many that point elsewhere than the expected ones, or
    a typical one that points a little elsewhere.
    """
    broken = [name for name, gradient in found.items() if not bool(gradient.isfinite().all())]
    if broken:
        return broken
    cosines = {
        name: _cosine(reference, found[name])
        for name, reference in expected.items()
        if bool(reference.any())  # otherwise a factor whose partner is still zero
    }
    if cosines and sorted(cosines.values())[len(cosines) // 2] < TYPICAL_COSINE:
        return [name for name, cosine in cosines.items() if cosine < TYPICAL_COSINE]
    wrong = [name for name, cosine in cosines.items() if cosine < LEAST_COSINE]
    return wrong if len(wrong) > len(cosines) * TOLERATED else []


def _cosine(a: Tensor, b: Tensor) -> float:
    return torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten().double(), dim=0).item()


def choose_way(
    parameters: dict[str, nn.Parameter],
    accumulate: Callable[[], object],
    ways: Sequence[Way],
    use: Callable[[Way], None],
    say: Callable[[str], None],
) -> Way:
    """Uses the first of `ways` whose gradients agree with the reference's on this pack, and returns it.

    Raises GradientMismatchError when none does.
    """
    use(REFERENCE)
    with torch.compiler.set_stance("force_eager"):
        expected = gradients(parameters, accumulate)
    for way in ways:
        use(way)
        wrong = disagreements(expected, gradients(parameters, accumulate))
        if not wrong:
            say(f"attention {way.attention}, compiled {way.compiled}: gradients agree with the reference")
            return way
        say(f"attention {way.attention}, compiled {way.compiled} is out: {len(wrong)} wrong, {wrong[0]}")
    raise GradientMismatchError(f"none of {', '.join(map(str, ways))} gives the gradients of {REFERENCE}")
