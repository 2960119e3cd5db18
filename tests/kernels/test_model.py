"""One forward pass, whatever the batch, the chunks and the history: logits and cache are equal."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cache import CacheFull
from kernels.model import BackendError, BackendName, Model, Segment, build_model
from kernels.selftest.tiny_models import Family, tiny_tokens, tiny_weights

SHAPES: list[tuple[Family, bool]] = [("llama", True), ("llama", False), ("qwen2", True), ("qwen3", False)]
LENGTHS = (37, 1, 64, 13)


BACKENDS: list[BackendName] = ["reference", "cpu"]


@pytest.fixture(scope="module", params=product(SHAPES, BACKENDS), ids=str)
def model(request) -> Model:
    shape, backend = request.param
    return build_model(tiny_weights(*shape), backend, threads=2)


def parts_of(tokens, size: int) -> list[np.ndarray]:
    return [tokens[first : first + size] for first in range(0, len(tokens), size)]


def alone(model: Model, tokens, chunk: int | None = None):
    """(logits, cache) of one sequence run by itself in chunks."""
    cache = model.new_cache(len(tokens))
    rows = [
        model.logits(model.forward([Segment(cache, part)])) for part in parts_of(tokens, chunk or len(tokens))
    ]
    return np.concatenate(rows), cache


def same_cache(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.arrays(), b.arrays(), strict=True))


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_prefill_chunks_do_not_matter(model, chunk):
    tokens = tiny_tokens(1, 100)
    whole, cache = alone(model, tokens)
    chunked, chunked_cache = alone(model, tokens, chunk)
    assert np.array_equal(whole, chunked)
    assert same_cache(cache, chunked_cache)
    assert cache.sha256() == chunked_cache.sha256()


def test_batch_composition_and_order_do_not_matter(model):
    prompts = [tiny_tokens(i, n) for i, n in enumerate(LENGTHS)]
    singles = [alone(model, tokens) for tokens in prompts]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2]):
        caches = [model.new_cache(len(prompts[i])) for i in order]
        hidden = model.forward([Segment(c, prompts[i]) for c, i in zip(caches, order, strict=True)])
        assert np.array_equal(model.logits(hidden), np.concatenate([singles[i][0] for i in order]))
        assert all(same_cache(c, singles[i][1]) for c, i in zip(caches, order, strict=True))


def test_mixed_batch_of_prefill_verify_and_decode(model):
    prompts = [tiny_tokens(10 + i, n) for i, n in enumerate((50, 41, 30))]
    singles = [alone(model, tokens) for tokens in prompts]
    caches = [model.new_cache(50) for _ in prompts]
    history = (0, 40, 11)  # prefill of 50, decode of 1, verify of 19
    for cache, tokens, length in zip(caches, prompts, history, strict=True):
        if length:
            model.forward([Segment(cache, tokens[:length])])
    hidden = model.forward(
        [Segment(c, t[n:].astype(np.int32)) for c, t, n in zip(caches, prompts, history, strict=True)]
    )
    want = np.concatenate([logits[n:] for (logits, _), n in zip(singles, history, strict=True)])
    assert np.array_equal(model.logits(hidden), want)
    assert all(same_cache(c, s[1]) for c, s in zip(caches, singles, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@given(st.integers(0, 1000), st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 20))
@settings(max_examples=15, deadline=None)
def test_truncation_and_continuation(backend, seed, parts, wrong):
    """A rejected draft leaves nothing behind."""
    model = build_model(tiny_weights(), backend)
    tokens = tiny_tokens(seed, sum(parts))
    want, want_cache = alone(model, tokens)
    cache, got = model.new_cache(len(tokens) + wrong), []
    for part in np.split(tokens, np.cumsum(parts)[:-1]):
        if wrong:
            kept = cache.length
            model.forward([Segment(cache, tiny_tokens(seed + 1, wrong))])
            cache.truncate(kept)
        got.append(model.logits(model.forward([Segment(cache, part)])))
    assert np.array_equal(np.concatenate(got), want)
    assert same_cache(cache, want_cache)


def test_restricted_logits_and_argmax(model):
    tokens = tiny_tokens(3, 40)
    cache = model.new_cache(40)
    hidden = model.forward([Segment(cache, tokens)])
    full = model.logits(hidden)
    ids = np.array([200, 3, 77, 5])
    rows = [39, 0]
    assert np.array_equal(model.logits(hidden, rows, ids), full[rows][:, ids])
    assert np.array_equal(model.argmax(hidden), full.argmax(1))
    assert np.array_equal(model.argmax(hidden, slice(5), ids), ids[full[:5][:, ids].argmax(1)])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_lowest_id_wins_a_tie(backend):
    weights = tiny_weights()
    weights.head.weight[:] = weights.head.weight[0].copy()
    weights.head.scale[:] = weights.head.scale[0].copy()
    model = build_model(weights, backend)
    hidden = model.forward([Segment(model.new_cache(8), tiny_tokens(0, 5))])
    assert model.argmax(hidden).tolist() == [0] * 5
    assert model.argmax(hidden, ids=np.array([90, 7, 30])).tolist() == [7] * 5


def test_bad_calls_are_refused_and_change_nothing(model):
    cache, other = model.new_cache(4), model.new_cache(4)
    tokens = tiny_tokens(0, 3)
    model.forward([Segment(cache, tokens)])
    before = cache.sha256()
    for segments, error in (
        ([], ValueError),
        ([Segment(cache, tokens[:0])], ValueError),
        ([Segment(other, tokens), Segment(other, tokens)], ValueError),
        ([Segment(other, np.array([211]))], ValueError),
        ([Segment(other, np.array([-1]))], ValueError),
        ([Segment(other, tokens), Segment(cache, tokens)], CacheFull),
    ):
        with pytest.raises(error):
            model.forward(segments)
    assert cache.sha256() == before
    assert other.length == 0
    with pytest.raises(CacheFull):
        model.new_cache(513)
    with pytest.raises(ValueError, match="truncate"):
        cache.truncate(4)


def test_an_unknown_backend_is_refused():
    with pytest.raises(BackendError, match="reference"):
        build_model(tiny_weights(), "abacus")  # type: ignore[arg-type]


def test_another_token_changes_the_logits(model):
    """Negative control: the comparisons above can fail."""
    tokens = tiny_tokens(1, 30)
    changed = tokens.copy()
    changed[0] = (changed[0] + 1) % 211
    (a, cache_a), (b, cache_b) = alone(model, tokens), alone(model, changed)
    assert not np.array_equal(a[-1], b[-1])
    assert cache_a.sha256() != cache_b.sha256()
