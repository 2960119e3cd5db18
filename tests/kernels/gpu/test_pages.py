"""Pages that several sequences share: the same bits, counted holders, never written again."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.backend import Segment
from kernels.cache import CacheFull
from kernels.forward import ReferenceBackend
from kernels.gpu.backend import TritonBackend
from kernels.model import Model
from kernels.selftest.tiny_models import tiny_tokens, tiny_weights

PAGE = 32


def triton(positions: int = 512) -> Model:
    weights = tiny_weights()
    return Model(weights, TritonBackend(weights, cache_positions=positions, page=PAGE))


def free(model: Model) -> int:
    return (model.free_cache_bytes() or 0) // model.cache_bytes(PAGE)


def test_a_sequence_over_shared_pages_has_the_bits_of_one_alone():
    model, reference = triton(), Model(tiny_weights(), ReferenceBackend(tiny_weights()))
    tokens, other = tiny_tokens(1, 2 * PAGE + 9), tiny_tokens(2, 7)
    first, plain = model.new_cache(100), reference.new_cache(100)
    wanted = reference.forward([Segment(plain, tokens)])
    model.forward([Segment(first, tokens)])
    blocks = [first.save_block(index) for index in range(2)]
    same, split = (model.new_cache(100, blocks) for _ in range(2))
    assert same.length == 2 * PAGE
    hidden = model.forward([Segment(same, tokens[2 * PAGE :]), Segment(split, other)])
    assert np.array_equal(hidden.q[:9].cpu(), wanted.q[2 * PAGE :])
    assert np.array_equal(hidden.s[:9].cpu(), wanted.s[2 * PAGE :])
    assert same.sha256() == first.sha256() == plain.sha256()
    whole = reference.new_cache(100)
    reference.forward([Segment(whole, np.concatenate([tokens[: 2 * PAGE], other]))])
    assert split.sha256() == whole.sha256()


def test_a_page_is_free_when_nobody_holds_it():
    model = triton()
    before = free(model)
    first = model.new_cache(3 * PAGE)
    first.advance(2 * PAGE)  # what is written does not matter here
    block = first.save_block(0)
    second = model.new_cache(3 * PAGE, [block])
    assert free(model) == before - 3 - 2
    assert model.cache_bytes(3 * PAGE, shared=1) == 2 * model.cache_bytes(PAGE)
    first.release()
    assert free(model) == before - 3
    assert not block.idle
    del second
    assert block.idle
    assert free(model) == before - 1
    del block
    assert free(model) == before
    first.release()
    assert free(model) == before, "a second release changes nothing"


def test_shared_pages_are_not_written_again():
    model = triton()
    cache = model.new_cache(2 * PAGE)
    cache.advance(PAGE + 5)
    cache.truncate(PAGE - 1)
    cache.advance(5)
    block = cache.save_block(0)
    for holder in (cache, model.new_cache(2 * PAGE, [block])):
        with pytest.raises(ValueError, match="are shared"):
            holder.truncate(PAGE - 1)
    cache.truncate(PAGE)


def test_shared_pages_make_room_where_a_whole_cache_has_none():
    model = triton(4 * PAGE)
    cache = model.new_cache(2 * PAGE)
    cache.advance(PAGE)
    block = cache.save_block(0)
    with pytest.raises(CacheFull, match="left in the pool"):
        model.new_cache(3 * PAGE)
    assert model.new_cache(3 * PAGE, [block]).length == PAGE
