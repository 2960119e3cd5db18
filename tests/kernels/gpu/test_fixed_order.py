"""The drop-in mode's Triton kernels against plain torch: the same function, rounding aside."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from kernels.gpu.arithmetic import INTERPRETED
from kernels.invariant import fixed, ordered
from tests.kernels.gpu.conftest import DEVICE
from tests.kernels.gpu.helpers import generator


def close(got: torch.Tensor, want: torch.Tensor) -> None:
    torch.testing.assert_close(got.cpu().float(), want.cpu().float(), rtol=2e-4, atol=2e-4)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed)).to(DEVICE)


@pytest.mark.parametrize("bias", [False, True])
def test_matmul_of_any_strides(bias: bool) -> None:
    a, b = random(2, 40, 7).transpose(1, 2), random(2, 70, 40).transpose(1, 2)
    added = random(70) if bias else None
    close(fixed.matmul(a, b, added), torch.bmm(a, b) + (added if added is not None else 0))


@pytest.mark.parametrize("bias", [False, True])
def test_matmul_in_chunks_is_the_same_in_parallel_and_in_order(
    bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = random(1, 3, 1600), random(1, 1600, 20, seed=1)
    added = random(3, 20, seed=2) if bias else None
    parallel = fixed.matmul(a, b, added)
    monkeypatch.setattr(fixed, "MOST_PARALLEL_ROWS", 0)
    assert torch.equal(fixed.matmul(a, b, added), parallel)
    close(parallel, torch.bmm(a, b) + (added if added is not None else 0))


def test_rows_and_softmax() -> None:
    x = random(5, 5000)
    close(fixed.row_sum(x), x.sum(1))
    close(fixed.softmax(x, log=False), x.softmax(1))
    close(fixed.softmax(x, log=True), x.log_softmax(1))
    weight = random(5000, seed=1)
    close(fixed.rms_norm(x, weight, 1e-6), F.rms_norm(x, (5000,), weight, 1e-6))


@pytest.mark.parametrize(("queries", "keys", "causal"), [(37, 37, True), (5, 70, False), (2, 600, False)])
def test_attention_with_grouped_heads(queries: int, keys: int, causal: bool) -> None:
    q, k, v = random(2, 4, queries, 24), random(2, 2, keys, 24, seed=1), random(2, 2, keys, 24, seed=2)
    mask = None if causal else random(1, 1, queries, keys, seed=3).expand(2, 4, queries, keys)
    close(fixed.attention(q, k, v, mask, causal, None), ordered.attention(q, k, v, mask, causal, None))


@pytest.mark.skipif(INTERPRETED, reason="the interpreter's products go through a CPU library")
@pytest.mark.gpu
def test_rows_have_the_same_bits_at_every_batch_size() -> None:
    a, b = random(1, 300, 576).bfloat16(), random(1, 576, 960).bfloat16()
    whole = fixed.matmul(a, b)
    assert all(torch.equal(fixed.matmul(a[:, :n], b), whole[:, :n]) for n in (1, 2, 17, 64, 65, 256))
    a, b = random(1, 300, 8960).bfloat16(), random(1, 8960, 1536).bfloat16()
    whole = fixed.matmul(a, b)  # in order; the others in parallel
    assert all(torch.equal(fixed.matmul(a[:, :n], b), whole[:, :n]) for n in (1, 64, 256))


@pytest.mark.skipif(INTERPRETED, reason="the interpreter's products go through a CPU library")
@pytest.mark.gpu
@pytest.mark.parametrize(("depth", "columns"), [(1536, 17_920), (8960, 1536)])
def test_tiles_of_few_and_of_many_rows_give_the_same_bits(depth: int, columns: int) -> None:
    """They take different matrix instructions. One float32 in 65,000 that is a unit off changes a bf16."""
    for seed in range(4):
        a = random(1, 256, depth, seed=seed).bfloat16()
        b = random(1, depth, columns, seed=seed + 100).bfloat16()
        few = fixed.matmul(a, b, tile=fixed.matmul_tile(1, columns, 1, wide=True))
        assert torch.equal(few, fixed.matmul(a, b))
