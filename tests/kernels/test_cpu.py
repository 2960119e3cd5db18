"""The C engine and the numpy path give the reference's bits, and the self-test can fail."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from kernels.backend import Segment
from kernels.cpu import choose
from kernels.cpu.backend import EngineBackend
from kernels.cpu.engine import Engine
from kernels.cpu.numpy_backend import NumpyBackend, float_mm
from kernels.forward import ReferenceBackend
from kernels.isa import usable_isas
from kernels.model import Model
from kernels.native import CompileError, load_library
from kernels.selftest.known_answers import int8_noise, matmul_failures, row_failures, same_bits
from kernels.selftest.run import SHAPES, check_goldens, golden_sha256, main
from kernels.selftest.tiny_models import tiny_config, tiny_tensors, tiny_tokens, tiny_weights
from kernels.weights import build_weights

TARGETS = [isa.name for isa in usable_isas()]


@pytest.fixture(scope="module", params=[(t, n) for t in TARGETS for n in (1, 2)], ids=str)
def engine(request) -> Engine:
    target, threads = request.param
    return Engine(threads, target)


def test_the_engine_answers_everything_known(engine):
    assert [check.name for check in choose.check_engine(engine) if not check.passed] == []


def test_reference_and_numpy_give_the_goldens():
    for backend in (ReferenceBackend, NumpyBackend):
        assert all(check.passed for check in check_goldens(backend))


@pytest.mark.parametrize(("heads", "kv_heads", "dim"), [(4, 4, 80), (8, 1, 128), (33, 1, 4), (2, 2, 20)])
def test_head_shapes(heads, kv_heads, dim):
    """Several panels of value channels, groups wider than a block, channels that fill no vector."""
    config = dataclasses.replace(tiny_config("qwen3"), num_heads=heads, num_kv_heads=kv_heads, head_dim=dim)
    weights = build_weights(config, tiny_tensors(config))
    assert golden_sha256(EngineBackend(weights, Engine(2))) == golden_sha256(ReferenceBackend(weights))


def test_values_of_zero_and_long_history():
    """A row of zeros through the cache, and more keys than one block of them."""
    tensors = tiny_tensors(config := dataclasses.replace(tiny_config(), max_position=1500))
    tensors["layers.0.v.scale"][:] = 0
    weights = build_weights(config, tensors)
    found = []
    for backend in (ReferenceBackend(weights), EngineBackend(weights, Engine(2))):
        cache = backend.new_cache(1201)
        backend.forward([Segment(cache, tiny_tokens(0, 1200))])
        found.append(
            (backend.logits(backend.forward([Segment(cache, tiny_tokens(1, 1))]), None), cache.sha256())
        )
    assert same_bits(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_rows_are_divided_without_a_trace(threads):
    """Sequences across chunks and blocks of rows; a block for each worker or one for all; many workers."""
    config = dataclasses.replace(tiny_config("qwen2"), max_position=1500)
    weights = build_weights(config, tiny_tensors(config))
    lengths = [(700, 1, 460, 30), (1, 5, 40, 2), (33, 1, 90, 64)]
    found = []
    for backend in (NumpyBackend(weights), EngineBackend(weights, Engine(threads))):
        caches = [backend.new_cache(sum(counts)) for counts in zip(*lengths, strict=True)]
        parts = []
        for counts in lengths:
            segments = [Segment(c, tiny_tokens(n, n)) for c, n in zip(caches, counts, strict=True)]
            hidden = backend.forward(segments)
            parts += [hidden.q, hidden.s]
        found.append((parts, [cache.sha256() for cache in caches]))
    assert all(same_bits(a, b) for a, b in zip(found[0][0], found[1][0], strict=True))
    assert found[0][1] == found[1][1]


def saturating_mm(q: np.ndarray, w: np.ndarray) -> np.ndarray:
    """What an unsigned × signed product does with 16-bit saturating sums of pairs (vpmaddubsw)."""
    q, w = (np.pad(x, ((0, 0), (0, x.shape[1] % 2))).astype(np.int32) for x in (q, w))
    unsigned = q + 128
    products = unsigned[:, None, :] * w[None]
    pairs = products.reshape(*products.shape[:2], -1, 2).sum(-1).clip(-(2**15), 2**15 - 1)
    return pairs.sum(-1) - 128 * w.sum(-1)


def test_a_saturating_product_is_found_out():
    q, w = int8_noise(1, 3, 64) // 8, int8_noise(2, 5, 64) // 8
    assert np.array_equal(
        saturating_mm(q, w), q.astype(np.int64) @ w.astype(np.int64).T
    )  # right while values are small
    assert matmul_failures(saturating_mm)


def test_float_products_are_exact():
    assert matmul_failures(float_mm) == []
    q = np.full((2, 5000), 127, np.int8)
    assert np.array_equal(float_mm(q, q), np.full((2, 2), 5000 * 127 * 127, np.int32))


class WrongRows(Engine):
    """An engine whose quantiser is off by one unit in the last place of a scale."""

    def quantize_rows(self, z):
        q, s = super().quantize_rows(z)
        return q, np.nextafter(s, s + 1)


def test_a_wrong_row_operation_is_found_out():
    assert any(name.startswith("quantize") for name in row_failures(WrongRows(1)))


def test_an_engine_that_fails_is_not_used(monkeypatch, caplog):
    monkeypatch.setattr(choose, "check_engine", lambda engine: [choose.Check("products", False, "", 0.0)])
    choose.trusted_engine.cache_clear()
    assert isinstance(choose.cpu_backend(tiny_weights(), 1), NumpyBackend)
    assert "products" in caplog.text
    choose.trusted_engine.cache_clear()


def test_no_compiler_is_no_failure(monkeypatch, caplog):
    monkeypatch.setenv("CC", "no-such-compiler")
    load_library.cache_clear()
    choose.trusted_engine.cache_clear()
    with pytest.raises(CompileError, match="no-such-compiler"):
        Engine(1)
    assert isinstance(choose.cpu_backend(tiny_weights(), 1), NumpyBackend)
    assert "not available" in caplog.text
    load_library.cache_clear()
    choose.trusted_engine.cache_clear()


def test_a_cache_folder_that_cannot_be_used_is_no_failure(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path / "file"))
    load_library.cache_clear()
    with pytest.raises(CompileError, match="SAMEBYTES_HOME"):
        Engine(1)
    load_library.cache_clear()


def test_the_library_is_compiled_once(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path))
    for _ in range(2):
        load_library.cache_clear()
        assert Engine(1, "native").isa
        monkeypatch.setattr("kernels.native._compile", None)  # a second compilation would fail
    assert len(list(tmp_path.glob("*.so"))) == 1
    load_library.cache_clear()


def test_selftest_command(capsys):
    assert main(["--backend", "cpu", "--threads", "1", "--json"]) == 0
    assert '"passed": true' in capsys.readouterr().out
    assert main(["--backend", "reference"]) == 0
    assert "golden llama" in capsys.readouterr().out


@pytest.mark.parametrize(("family", "tied"), SHAPES)
def test_concurrent_calls_do_not_mix(family, tied):
    """Server threads share the weights and the engine."""
    from concurrent.futures import ThreadPoolExecutor

    weights = tiny_weights(family, tied)
    model = Model(weights, EngineBackend(weights, Engine(2)))

    def run(seed: int) -> str:
        cache = model.new_cache(120)
        model.argmax(model.forward([Segment(cache, tiny_tokens(seed, 120))]))
        return cache.sha256()

    want = [run(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, list(range(6)) * 3)) == want * 3


def test_bench_command_measures_a_model(tmp_path, capsys, monkeypatch):
    from evals.kernels import bench_cpu
    from kernels.weights import save_weights

    config = tiny_config()
    save_weights(tmp_path / "model.safetensors", config, tiny_tensors(config))
    monkeypatch.setattr(
        bench_cpu, "CASES", (("prefill 8", 0, 8, 2), ("decode at 5", 5, 1, 2), ("long", 0, 600, 1))
    )
    assert bench_cpu.main(["--model", str(tmp_path), "--threads", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert [figure["case"] for figure in figures[:2]] == ["prefill 8", "decode at 5"]
    assert all(figure["tokens_per_s"] > 0 for figure in figures)
