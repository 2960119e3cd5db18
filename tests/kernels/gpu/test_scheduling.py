"""The step loop over the paged cache of the GPU: the same results, shared pages, nothing left behind."""

from __future__ import annotations

from dataclasses import replace

from applier.engine.options import SchedulerOptions
from applier.engine.step_loop import StepLoop
from kernels.gpu.backend import TritonBackend
from kernels.model import Model
from kernels.selftest.tiny_models import tiny_config, tiny_tensors
from kernels.weights import build_weights
from tests.applier.engine.merges import essence, job
from tests.applier.tiny import codec
from tests.applier.tiny_model import model as cpu_model

PAGE = 32


def gpu_model(positions: int) -> Model:
    """The weights of `tiny_model.model` over a pool of `positions`."""
    config = replace(tiny_config(), vocab_size=codec().vocab_size, max_position=4096)
    weights = build_weights(config, tiny_tensors(config, 43))
    return Model(weights, TritonBackend(weights, cache_positions=positions, page=PAGE))


def run(model: Model, jobs: list, options: SchedulerOptions) -> list[int]:
    """Runs the jobs; the prefix hits of each step."""
    steps, hits = StepLoop(model, options), []
    for one in jobs:
        steps.add(one)
    while steps.busy:
        hits.append(steps.step().prefix_hit_tokens)
    steps.memory.prefixes.clear()
    return hits


def test_merges_over_shared_pages_are_those_of_the_cpu():
    gpu = gpu_model(4096 + 256)
    free = gpu.free_cache_bytes()
    wanted, got = [[job(0, 2, limit=40) for _ in range(2)] for _ in range(2)]
    run(cpu_model(), wanted, SchedulerOptions(prefix_bytes=0))
    # One after the other, so that the second finds the pages of the first.
    hits = run(gpu, got, SchedulerOptions(max_running=1))
    assert [essence(one) for one in got] == [essence(one) for one in wanted]
    assert sum(hits) >= PAGE
    assert gpu.free_cache_bytes() == free
