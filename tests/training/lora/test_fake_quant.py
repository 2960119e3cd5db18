"""What training computes with is what export keeps."""

from __future__ import annotations

import torch

from kernels.derive.adapter import quantize_factors
from training.lora.fake_quant import served_factors


def _factors(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(16, 96, generator=generator) * torch.rand(16, 1, generator=generator)
    b = torch.randn(48, 16, generator=generator) * torch.rand(48, 1, generator=generator)
    return a.requires_grad_(), b.requires_grad_()


def _relative(x: torch.Tensor, y: torch.Tensor) -> float:
    return ((x - y).norm() / y.norm()).item()


def test_the_forward_pass_sees_the_exported_factors() -> None:
    a, b = _factors()
    served = torch.from_numpy(quantize_factors(a, b, 0.5).delta()).float()
    fake_a, fake_b = served_factors(a, b, 0.5)
    assert _relative(fake_b @ fake_a, served) < 1e-5
    assert _relative(0.5 * b @ a, served) > 2e-3  # the control: without the rounding, another matrix


def test_untrained_factors_stay_zero() -> None:
    a, b = _factors()
    fake_a, fake_b = served_factors(a, torch.zeros_like(b), 1.0)
    assert not (fake_b @ fake_a).any()
    assert fake_a.isfinite().all()


def test_the_gradient_is_that_of_the_plain_factors() -> None:
    a, b = _factors()
    fake_a, fake_b = served_factors(a, b, 0.5)
    (fake_a.sum() + fake_b.sum()).backward()
    assert torch.equal(a.grad, torch.ones_like(a))
    assert torch.equal(b.grad, torch.full_like(b, 0.5))
