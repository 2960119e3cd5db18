"""The check that precedes a run: it accepts the compiled path and rejects a way that drops a gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.training.lora.test_fit import CPU
from tests.training.toy import TOY_CONFIG, toy_checkpoint, toy_samples
from training.lora import packed_attention
from training.lora.fit import Fit, FitRun, Worker
from training.lora.gradient_check import GradientMismatchError, Way, choose_way, disagreements


@pytest.fixture
def fit(tmp_path: Path) -> Iterator[Fit]:
    samples = str(toy_samples(tmp_path / "samples"))
    run = FitRun(str(toy_checkpoint(tmp_path / "base")), samples, {}, str(tmp_path / "out"), TOY_CONFIG)
    yield Fit(dataclasses.replace(run), CPU)
    packed_attention.use("by_sample")
    packed_attention.WAYS.pop("broken", None)


def _choose(fit: Fit, attentions: list[str]) -> tuple[str, list[str]]:
    said: list[str] = []
    pack = fit.packer.build(fit.packer.epoch(1)[0])
    ways = [Way(attention, "none") for attention in attentions]
    way = choose_way(
        fit.parameters, lambda: fit.accumulate(pack, pack.weights.sum()), ways, fit.use, said.append
    )
    return way.attention, said


def test_a_way_without_gradient_for_queries_is_rejected(fit: Fit) -> None:
    packed_attention.WAYS["broken"] = lambda q, *rest: packed_attention.by_sample(q.detach(), *rest)
    way, said = _choose(fit, ["broken", "by_sample"])
    assert way == "by_sample"
    assert said[0].startswith("attention broken, compiled none is out")
    assert "q_proj" in said[0]
    with pytest.raises(GradientMismatchError):
        _choose(fit, ["broken"])


def test_a_way_that_looks_across_samples_is_rejected(fit: Fit) -> None:
    def leaking(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *rest: object) -> torch.Tensor:
        edges = torch.tensor([0, q.shape[0]], dtype=torch.int32)
        return packed_attention.by_sample(q, k, v, edges, q.shape[0], 0.3)

    packed_attention.WAYS["broken"] = leaking
    assert _choose(fit, ["broken", "by_sample"])[0] == "by_sample"


def test_an_unwritten_output_is_rejected(fit: Fit) -> None:
    def unwritten(q: torch.Tensor, *rest: object) -> torch.Tensor:
        out = packed_attention.by_sample(q, *rest).clone()  # type: ignore[arg-type]
        out[-1] = torch.nan
        return out

    packed_attention.WAYS["broken"] = unwritten
    assert _choose(fit, ["broken", "by_sample"])[0] == "by_sample"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_flash_attention_has_the_gradients_of_the_reference(tmp_path: Path) -> None:
    device = Worker(0, 1, torch.device("cuda"))
    samples = str(toy_samples(tmp_path / "samples"))
    config = dataclasses.replace(TOY_CONFIG, compile=True, pack_tokens=256)
    fit = Fit(
        FitRun(str(toy_checkpoint(tmp_path / "base")), samples, {}, str(tmp_path / "out"), config), device
    )
    fit.check_gradients()
    assert packed_attention.use("by_sample") == "flash"


def test_the_check_leaves_no_gradient_behind(fit: Fit) -> None:
    _choose(fit, ["by_sample"])
    assert all(parameter.grad is None for parameter in fit.parameters.values())


def _gradients() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {f"factor {i}": torch.randn(200, generator=generator) for i in range(40)}


def test_one_gradient_that_is_no_number_is_enough() -> None:
    found = _gradients()
    found["factor 7"][3] = torch.nan
    assert disagreements(_gradients(), found) == ["factor 7"]
    assert disagreements(_gradients(), _gradients()) == []


def test_a_few_gradients_may_differ_but_not_many() -> None:
    found = _gradients()
    for i in range(4):
        found[f"factor {i}"].neg_()
    assert disagreements(_gradients(), found) == []
    found["factor 4"].neg_()
    assert disagreements(_gradients(), found) == [f"factor {i}" for i in range(5)]


def test_gradients_that_are_all_a_little_off_are_wrong() -> None:
    noise = torch.Generator().manual_seed(1)
    found = {name: g + 0.42 * torch.randn(200, generator=noise) for name, g in _gradients().items()}
    assert disagreements(_gradients(), found)
