"""Compares a run's gradients with those of the plainest way to compute them, before any time is spent.

The fast path is compiled and uses a flash kernel over ragged samples; the reference is eager, one sample at a
time. A kernel that drops a gradient trains on happily for a hundred steps, then slowly unlearns.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from training import packed_attention

LEAST_COSINE = 0.9  # int8 rounding and bfloat16 sums move gradients by a few per cent
REFERENCE = "by_sample"


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
    """Names of tensors whose gradient is not finite, or points elsewhere than the expected one."""
    out = []
    for name, reference in expected.items():
        if not bool(reference.any()):
            continue  # a factor beside one that is still zero
        a, b = reference.flatten().double(), found[name].flatten().double()
        cosine = torch.nn.functional.cosine_similarity(a, b, dim=0)
        if not bool(b.isfinite().all()) or not bool(cosine >= LEAST_COSINE):
            out.append(name)
    return out


def choose_attention(
    parameters: dict[str, nn.Parameter],
    accumulate: Callable[[], object],
    ways: list[str],
    say: Callable[[str], None],
) -> str:
    """Uses the first of `ways` whose gradients agree with the reference's on this pack, and returns it.

    Raises GradientMismatchError when none does.
    """
    packed_attention.use(REFERENCE)
    with torch.compiler.set_stance("force_eager"):
        expected = gradients(parameters, accumulate)
    for way in ways:
        packed_attention.use(way)
        wrong = disagreements(expected, gradients(parameters, accumulate))
        if not wrong:
            say(f"attention: {way}, its gradients agree with the reference")
            return way
        say(f"attention: {way} is out, {len(wrong)} gradients are wrong, the first {wrong[0]}")
    raise GradientMismatchError(f"none of {', '.join(ways)} gives the gradients of {REFERENCE}")
