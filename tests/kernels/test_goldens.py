"""The 135M shape on this machine's CPU gives the hashes that an H100 and another CPU gave."""

from __future__ import annotations

import json

import pytest

from kernels.gpu.goldens import GOLDENS, golden, golden_weights, hashes
from kernels.model import build_model
from kernels.weights import Weights


@pytest.fixture(scope="module")
def weights() -> Weights:
    return golden_weights()


def test_weights_are_those_of_the_goldens(weights: Weights) -> None:
    assert weights.sha256 == json.loads(GOLDENS.read_text())["weights"]


@pytest.mark.parametrize("length", [1, 17, 130])
def test_cpu_gives_the_goldens(weights: Weights, length: int) -> None:
    assert hashes(build_model(weights, "cpu").backend, length) == golden(length)


@pytest.mark.slow
@pytest.mark.parametrize("length", [2, 511, 700])
def test_cpu_gives_the_longer_goldens(weights: Weights, length: int) -> None:
    assert hashes(build_model(weights, "cpu").backend, length) == golden(length)
