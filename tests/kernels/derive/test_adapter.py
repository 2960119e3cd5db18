"""The LoRA merge is exact: any order of ranks and any machine give the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from kernels.config import ModelConfig
from kernels.derive.adapter import (
    Adapter,
    AdapterError,
    Factors,
    load_adapter,
    quantize_factors,
    save_adapter,
)
from kernels.derive.convert import derive_tensors
from kernels.selftest.tiny_models import tiny_config
from kernels.weights import build_weights, expected_tensors, projection_shapes

RANK = 8


class RandomBase:
    """A floating-point checkpoint in memory."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        rng = np.random.default_rng(1)
        self.values = {
            name.removesuffix(".weight"): rng.standard_normal(shape) * 0.05
            for name, (_, shape) in expected_tensors(config).items()
            if not name.endswith(".scale")
        }

    def tensor(self, name: str) -> np.ndarray:
        return self.values[name]

    def tokenizer_json(self) -> bytes:
        return b"{}"

    def source(self) -> dict[str, str]:
        return {}


def random_factors(seed: int, n: int, k: int, rank: int = RANK) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    sizes = np.exp2(4 * generator.normal(size=rank))
    return (
        (generator.normal(size=(rank, k)) * sizes[:, None] * 0.01).astype(np.float32),
        (generator.normal(size=(n, rank)) / sizes * 0.3).astype(np.float32),
    )


def random_adapter(config: ModelConfig) -> Adapter:
    adapter = Adapter(
        config, norms={"final_norm": np.linspace(0.5, 2, config.hidden_size, dtype=np.float32)}, note="test"
    )
    for i in range(config.num_layers):
        for j, (name, (n, k)) in enumerate(projection_shapes(config).items()):
            adapter.factors[f"layers.{i}.{name}"] = quantize_factors(*random_factors(10 * i + j, n, k), 2.0)
    return adapter


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.integers(1, 24))
@settings(max_examples=40, deadline=None)
def test_quantised_factors_are_close_and_their_product_is_exact(seed, n, k, rank):
    a, b = random_factors(seed, n, k, rank)
    factors = quantize_factors(a, b, scaling=0.5)
    real = 0.5 * b.astype(np.float64) @ a.astype(np.float64)
    bound = 0.5 * (np.abs(b.astype(np.float64)) @ np.abs(a.astype(np.float64))).max() + 1e-12
    assert np.abs(factors.delta() - real).max() <= bound * 0.02
    integers = factors.b.astype(np.int64) @ (factors.gain[:, None] * factors.a.astype(np.int64))
    step = factors.unit.astype(np.float64) * factors.scale.astype(np.float64)
    assert np.array_equal(factors.delta(), integers.astype(np.float64) * step[:, None])


def test_the_order_of_ranks_does_not_matter_but_would_in_float():
    a, b = random_factors(3, 64, 48, 32)
    factors = quantize_factors(a, b)
    order = np.random.default_rng(0).permutation(32)
    shuffled = Factors(
        factors.a[order], factors.gain[order], factors.b[:, order], factors.scale, factors.unit
    )
    assert np.array_equal(factors.delta(), shuffled.delta())
    assert not np.array_equal(b @ a, b[:, order] @ a[order])  # negative control


def test_a_zero_adapter_changes_nothing():
    base = RandomBase(tiny_config())
    factors = quantize_factors(np.random.default_rng(1).normal(size=(4, 72)), np.zeros((96, 4)))
    zero = Adapter(base.config, factors={"layers.0.q": factors})
    plain, merged = derive_tensors(base), derive_tensors(base, zero)
    assert all(np.array_equal(plain[name], merged[name]) for name in plain)


def test_save_load_merge(tmp_path):
    base = RandomBase(tiny_config("qwen3", tied=False))
    adapter = random_adapter(base.config)
    path = tmp_path / "adapter.safetensors"
    sha256 = save_adapter(path, adapter)
    loaded = load_adapter(path)
    assert (loaded.sha256, loaded.note, loaded.config) == (sha256, "test", base.config)
    merged = derive_tensors(base, loaded)
    assert (
        build_weights(base.config, merged).sha256
        == build_weights(base.config, derive_tensors(base, adapter)).sha256
    )
    assert np.array_equal(merged["final_norm"], adapter.norms["final_norm"])
    want = base.values["layers.1.up"] + adapter.factors["layers.1.up"].delta()
    got = merged["layers.1.up.weight"] * merged["layers.1.up.scale"].astype(np.float64)[:, None]
    assert np.abs(got - want).max() <= merged["layers.1.up.scale"].max() * 0.51
    with pytest.raises(AdapterError, match="another shape"):
        derive_tensors(RandomBase(tiny_config()), loaded)


def test_rank_128_on_all_projections_of_the_shipped_base_is_within_40_mb():
    hidden, kv, inner, rank = 576, 192, 1536, 128
    shapes = [(hidden, hidden), (kv, hidden), (kv, hidden), (hidden, hidden)]
    shapes += [(inner, hidden), (inner, hidden), (hidden, inner)]
    size = 30 * sum(rank * (n + k) + 4 * rank + 2 * n + 4 for n, k in shapes) + 61 * 4 * hidden
    header = 30 * 7 * 5 * 100
    assert size + header <= 40_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers.0.q.lora_gain": None}, "is missing"),
        ({"layers.0.q.lora_gain": np.zeros(RANK, np.int32)}, "gain"),
        ({"layers.0.q.lora_scale": np.full(96, np.inf, np.float16)}, "not finite"),
        ({"layers.0.q.lora_b": np.zeros((5, RANK), np.int8)}, "factor"),
        ({"final_norm": np.zeros(3, np.float32)}, "final_norm"),
        ({"mystery": np.zeros(3, np.float32)}, "mystery"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, change, message):
    path = tmp_path / "adapter.safetensors"
    adapter = random_adapter(tiny_config())
    save_adapter(path, adapter)
    tensors = {name: value for name, value in (load_file(path) | change).items() if value is not None}
    save_file(tensors, str(path), {"format": "samebytes-lora-int8", "config": adapter.config.to_json()})
    with pytest.raises(AdapterError, match=message):
        load_adapter(path)


def test_another_file_is_refused(tmp_path):
    save_file({"x": np.zeros(1, np.float32)}, str(tmp_path / "x.safetensors"))
    with pytest.raises(AdapterError, match="not a samebytes"):
        load_adapter(tmp_path / "x.safetensors")
    with pytest.raises(AdapterError, match="not readable"):
        load_adapter(tmp_path / "absent.safetensors")
