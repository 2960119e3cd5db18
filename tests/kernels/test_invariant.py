"""The drop-in batch-invariant mode, on its CPU path: equal bits at every batch size, nothing left behind."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evals.kernels.plain import PlainModel, batch_variance
from kernels.invariant import batch_invariant
from kernels.selftest.tiny_models import tiny_weights


class Block(nn.Module):
    """One decoder layer and a head, with every operator that the mode replaces."""

    def __init__(self, dim: int = 48, vocab: int = 37) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(dim, dim * 2), nn.Linear(dim, dim, bias=False)
        self.norm, self.head = nn.RMSNorm(dim), nn.Linear(dim, vocab)

    def forward(self, x: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm(x)).view(b, t, 8, d // 4).transpose(1, 2).split([4, 2, 2], dim=1)
        x = x + self.out(
            F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            .transpose(1, 2)
            .flatten(2)
        )
        variance = x.pow(2).mean(-1, keepdim=True)
        scores = torch.matmul(x, x.transpose(1, 2)).softmax(dim=-1) @ x
        return F.log_softmax(self.head((x + scores) * torch.rsqrt(variance + 1e-6)), dim=-1)


@pytest.fixture
def model() -> Block:
    torch.manual_seed(0)
    return Block().eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_row_has_the_same_bits_in_every_batch(model: Block, dtype: torch.dtype, context: type) -> None:
    model = model.to(dtype)
    x = torch.randn(5, 7, 48, dtype=dtype)
    with context(), batch_invariant():
        whole = model(x)
        for rows in ([2], [4, 2], [0, 1, 2, 3]):
            assert torch.equal(model(x[rows]), whole[rows])
    with torch.no_grad():
        torch.testing.assert_close(whole.float(), model(x).float(), rtol=0.05, atol=0.05)


def test_negative_control_plain_torch_differs_between_batches() -> None:
    torch.manual_seed(1)
    x, w = torch.randn(64, 1000), torch.randn(1000, 50)
    whole = x @ w
    assert not all(torch.equal(x[:n] @ w, whole[:n]) for n in (1, 2, 3, 5, 17))
    with batch_invariant():
        whole = x @ w
        assert all(torch.equal(x[:n] @ w, whole[:n]) for n in (1, 2, 3, 5, 17))


def test_agrees_with_torch_on_each_operator() -> None:
    torch.manual_seed(2)
    x, y, bias = torch.randn(3, 6, 20), torch.randn(3, 20, 9), torch.randn(9)
    mask = torch.rand(3, 1, 6, 6) > 0.3
    mask[..., 0] = True
    q = torch.randn(3, 4, 6, 16)
    cases = [
        lambda: x @ y,
        lambda: F.linear(x, y[0].T, bias),
        lambda: torch.addmm(bias, x[0], y[0], beta=0.5, alpha=2.0),
        lambda: torch.baddbmm(torch.ones(3, 6, 9), x, y),
        lambda: x.softmax(1),
        lambda: x.log_softmax(-1),
        lambda: x.mean((0, 2)),
        lambda: x.mean(1, keepdim=True),
        lambda: x.sum(-1),
        lambda: F.rms_norm(x, (20,), bias.new_ones(20), 1e-6),
        lambda: F.scaled_dot_product_attention(q, q, q, attn_mask=mask),
        lambda: F.scaled_dot_product_attention(q[:, :, :2], q, q, scale=0.3),
        lambda: F.scaled_dot_product_attention(q[0], q[0], q[0], is_causal=True),
    ]
    for case in cases:
        with batch_invariant():
            got = case()
        torch.testing.assert_close(got, case(), rtol=1e-5, atol=1e-5)
    integers = torch.arange(12).view(3, 4)
    with batch_invariant():
        assert torch.equal(integers.sum(1), torch.tensor([6, 22, 38]))
        assert torch.equal(
            integers @ integers.T, torch.tensor([[14, 38, 62], [38, 126, 214], [62, 214, 366]])
        )


def test_state_is_restored_after_an_exception_and_contexts_nest() -> None:
    x, w = torch.randn(64, 1000), torch.randn(1000, 50)
    plain = x @ w
    with pytest.raises(ZeroDivisionError), batch_invariant():
        _ = 1 // 0
    assert torch.equal(x @ w, plain)
    with batch_invariant():
        once = x @ w
        with batch_invariant():
            assert torch.equal(x @ w, once)
        assert torch.equal(x @ w, once)
    assert torch.equal(x @ w, plain)
    assert not torch.equal(plain, once)


def test_other_threads_are_not_touched() -> None:
    x, w = torch.randn(64, 1000), torch.randn(1000, 50)
    products = []

    def multiply_elsewhere() -> None:
        thread = threading.Thread(target=lambda: products.append(x @ w))
        thread.start()
        thread.join()

    multiply_elsewhere()  # not here: how many cores a product takes can differ from thread to thread
    with batch_invariant():
        multiply_elsewhere()
    assert torch.equal(*products)


def test_dropout_is_refused() -> None:
    q = torch.randn(1, 2, 4, 8)
    with batch_invariant(), pytest.raises(NotImplementedError, match="dropout"):
        F.scaled_dot_product_attention(q, q, q, dropout_p=0.1)


def test_the_plain_decoder_answers_alike_in_every_batch() -> None:
    model = PlainModel(tiny_weights("llama", True), 5, 20, device="cpu")
    with torch.inference_mode(), batch_invariant():
        assert batch_variance(model, (1, 2, 5), 16) == (1, 0)
