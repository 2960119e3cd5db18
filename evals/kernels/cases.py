"""Whole forward passes to time, exact and plain: token ids in, the next token ids out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from evals.kernels.plain import PlainModel, random_weights
from kernels.backend import Segment
from kernels.gpu.backend import TritonBackend
from kernels.gpu.batch import Inputs, choose_shape
from kernels.shapes import SHAPES

CONTEXT = 1024
CONTROL_SIZES = (1, 2, 3, 4, 8, 15, 16, 32, 64, 100, 128, 192, 256)  # of the negative control
CASES = (  # (name, sequences, new tokens of each, positions before them)
    ("prefill 512", 1, 512, 0),
    ("prefill 2048", 1, 2048, 0),
    ("prefill 6000", 1, 6000, 0),
    ("decode batch 1", 1, 1, CONTEXT),
    ("decode batch 8", 8, 1, CONTEXT),
    ("decode batch 64", 64, 1, CONTEXT),
    ("decode batch 256", 256, 1, CONTEXT),
    ("verify 64", 1, 64, CONTEXT),
)


def answer_rows(sequences: int, new: int, past: int) -> slice:
    """Rows whose next token is wanted: the last of a prompt, else all."""
    return slice(new - 1, new) if past == 0 else slice(0, sequences * new)


def exact_pass(backend: TritonBackend, sequences: int, new: int, past: int) -> Callable[[], Tensor]:
    """One exact forward pass and argmax over caches whose first `past` positions hold random bytes."""
    config = backend.config
    segments = []
    for _ in range(sequences):
        cache = backend.new_cache(past + new)
        cache.length = past
        segments.append(Segment(cache, torch.randint(config.vocab_size, (new,)).numpy()))
    shape = choose_shape(segments, config.group_size, config.num_kv_heads, backend.pool.page)
    inputs = Inputs(shape, -(-config.max_position // backend.pool.page), torch.device("cuda"))
    inputs.fill(segments, config.group_size, backend.pool.page)
    rows = answer_rows(sequences, new, past)

    def run() -> Tensor:
        hidden = backend.run(inputs).select(rows)
        return backend.argmax(hidden, None)

    return run


def plain_pass(model: PlainModel, sequences: int, new: int, past: int) -> Callable[[], Tensor]:
    """The same work in plain torch."""
    tokens = torch.randint(model.config.vocab_size, (sequences, new), device="cuda")
    rows = answer_rows(sequences, new, past)
    return lambda: model.logits(model.forward(tokens, past).flatten(0, 1)[rows]).argmax(dim=-1)


def backend_for(name: str, layers: int | None = None) -> TritonBackend:
    """A model of random weights over a pool of random, plausible cache entries."""
    config = SHAPES[name]
    if layers:
        config = dataclasses.replace(config, num_layers=layers)
    backend = TritonBackend(random_weights(config), cache_positions=256 * (CONTEXT + 128) + 8192)
    for part in (backend.pool.k, backend.pool.v):
        part.random_(-127, 128)
    for part in (backend.pool.sk, backend.pool.sv):
        part.uniform_(0.005, 0.03)
    return backend
