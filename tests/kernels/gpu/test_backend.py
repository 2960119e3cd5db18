"""The whole forward pass on the Triton backend against the reference backend, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from kernels.arrays import as_numpy
from kernels.backend import Hidden, Segment
from kernels.cache import CacheFull, KVCache
from kernels.forward import ReferenceBackend
from kernels.gpu.backend import TritonBackend
from kernels.gpu.batch import choose_shape
from kernels.model import Model
from kernels.selftest.tiny_models import Family, tiny_config, tiny_tokens, tiny_weights


def models(family: Family = "llama", tied: bool = True, **options: int) -> tuple[Model, Model]:
    weights = tiny_weights(family, tied)
    triton = TritonBackend(weights, cache_positions=1024, page=32, **options)
    return Model(weights, ReferenceBackend(weights)), Model(weights, triton)


def run(model: Model, chunks: Sequence[Sequence[np.ndarray]]) -> tuple[Hidden, list[KVCache]]:
    """Feeds `chunks[step][sequence]` (an empty array: nothing this step); returns all rows, by sequence."""
    caches = [model.new_cache(96) for _ in chunks[0]]
    rows: list[list[Hidden]] = [[] for _ in caches]
    for step in chunks:
        fed = [(i, tokens) for i, tokens in enumerate(step) if len(tokens)]
        hidden = model.forward([Segment(caches[i], tokens) for i, tokens in fed])
        at = 0
        for i, tokens in fed:
            rows[i].append(hidden.select(slice(at, at + len(tokens))))
            at += len(tokens)
    flat = [part for sequence in rows for part in sequence]
    q, s = (np.concatenate([as_numpy(getattr(h, part)) for h in flat]) for part in ("q", "s"))
    return Hidden(q, s), caches


def assert_same_run(got: tuple[Hidden, list[KVCache]], want: tuple[Hidden, list[KVCache]]) -> None:
    assert np.array_equal(got[0].q, want[0].q)
    assert np.array_equal(got[0].s, want[0].s)
    assert [cache.sha256() for cache in got[1]] == [cache.sha256() for cache in want[1]]


@pytest.mark.parametrize(("family", "tied"), [("llama", True), ("qwen2", False), ("qwen3", True)])
def test_ragged_prefill_and_decode_match_the_reference(family: Family, tied: bool) -> None:
    reference, triton = models(family, tied)
    steps = [[tiny_tokens(1, 37), tiny_tokens(2, 3)], [tiny_tokens(3, 1), tiny_tokens(4, 1)]]
    want, got = run(reference, steps), run(triton, steps)
    assert_same_run(got, want)
    logits = triton.logits(got[0])
    assert np.array_equal(logits.cpu(), reference.logits(want[0]))
    assert np.array_equal(triton.argmax(got[0]).cpu(), reference.argmax(want[0]))


def test_chunks_splits_and_order_change_nothing() -> None:
    tokens = tiny_tokens(7, 41)
    reference, triton = models()
    want = run(reference, [[tokens]])
    assert_same_run(run(triton, [[tokens[:11]], [tokens[11:40]], [tokens[40:]]]), want)
    assert_same_run(run(models(splits=4)[1], [[tokens[:40]], [tokens[40:]]]), want)
    other = tiny_tokens(8, 5)
    both, caches = run(triton, [[other, tokens]])
    assert np.array_equal(as_numpy(both.q[5:]), want[0].q)
    assert caches[1].sha256() == want[1][0].sha256()


def test_restricted_ids_give_the_same_bits_and_the_lowest_id_wins() -> None:
    reference, triton = models()
    hidden, _ = run(triton, [[tiny_tokens(5, 9)]])
    ids = np.array([200, 3, 77, 10])
    assert torch.equal(triton.logits(hidden, ids=ids), triton.logits(hidden)[:, ids])
    assert np.array_equal(triton.argmax(hidden, ids=ids).cpu(), reference.argmax(hidden, ids=ids))
    assert np.array_equal(triton.argmax(hidden, rows=[2, 0]).cpu(), reference.argmax(hidden)[[2, 0]])


def test_truncate_forgets_and_pages_return_to_the_pool() -> None:
    _, triton = models()
    tokens = tiny_tokens(9, 20)
    cache = triton.new_cache(64)
    free = len(triton.backend.pool.free)
    triton.forward([Segment(cache, tokens)])
    whole = cache.sha256()
    cache.truncate(13)
    triton.forward([Segment(cache, tokens[13:])])
    assert cache.sha256() == whole
    with pytest.raises(CacheFull):
        triton.forward([Segment(cache, tiny_tokens(1, 45))])
    del cache
    assert len(triton.backend.pool.free) == free + 2
    with pytest.raises(CacheFull, match="left in the pool"):
        _ = [triton.new_cache(tiny_config().max_position) for _ in range(3)]


def test_a_growing_sequence_meets_few_shapes_and_warming_up_changes_nothing() -> None:
    backend = models()[1].backend
    cache = backend.new_cache(128)
    shapes = set()
    for past, new in [(0, 37), (37, 1), (38, 1), (60, 20), (60, 30), (64, 17)]:
        cache.length = past
        shapes.add(choose_shape([Segment(cache, np.zeros(new))], 3, 2, 32))
    assert len(shapes) == 3  # 64 tokens, 1 token, 32 tokens
    _, triton = models()
    triton.backend.warm_up(3)
    tokens = tiny_tokens(6, 5)
    want = run(models()[0], [[tokens[:4]], [tokens[4:]]])
    assert_same_run(run(triton, [[tokens[:4]], [tokens[4:]]]), want)
