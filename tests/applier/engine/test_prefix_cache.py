"""The prefix cache: keys, order of eviction, and bits."""

import numpy as np
import pytest

from applier.engine.prefix_cache import PrefixCache, block_keys, root_key
from kernels.forward import ReferenceBackend
from kernels.model import CacheFull, Model, Segment
from kernels.selftest.tiny_models import tiny_config, tiny_tokens, tiny_weights
from tests.applier.tiny_model import model


class Piece:
    def __init__(self, nbytes: int = 10) -> None:
        self.nbytes, self.idle = nbytes, True


ROOT = root_key("weights")


def test_keys_are_of_all_tokens_up_to_their_end():
    tokens = list(range(300))
    keys = block_keys(ROOT, tokens, 64)
    assert len(keys) == 4
    assert block_keys(ROOT, tokens[:128], 64) == keys[:2]
    tokens[70] += 1
    other = block_keys(ROOT, tokens, 64)
    assert other[0] == keys[0]
    assert not set(other[1:]) & set(keys)
    assert block_keys(root_key("others"), range(64), 64) != keys[:1]


def test_the_longest_unused_goes_first_and_the_end_of_a_prompt_before_its_beginning():
    cache = PrefixCache(max_bytes=50)
    first, second = [b"a1", b"a2", b"a3"], [b"b1", b"b2"]
    for keys in (first, second):
        for key in keys:
            assert cache.add(key, Piece)
        cache.touch(keys)
    cache.touch(first)
    assert cache.add(b"c1", Piece)
    assert len(cache.find(second)) == 1, "of the prompt that was not used, the last block went"
    cache.add(b"c2", Piece)
    cache.add(b"c3", Piece)
    assert cache.find(second) == []
    assert len(cache.find(first)) == 2
    assert cache.nbytes == 50


def test_a_block_in_use_is_not_evicted_and_a_block_too_large_is_not_kept():
    cache = PrefixCache(max_bytes=10)
    used = Piece()
    used.idle = False
    cache.add(b"a", lambda: used)
    assert not cache.evict()
    assert not cache.add(b"b", Piece)
    assert b"a" in cache
    assert not PrefixCache(5).add(b"a", Piece)


@pytest.mark.parametrize("kind", ["engine", "reference"])
def test_a_cache_that_begins_with_blocks_has_the_same_bits(kind):
    one = model() if kind == "engine" else Model(tiny_weights(), ReferenceBackend(tiny_weights()))
    block = one.block
    tokens = tiny_tokens(1, 3 * block + 11)
    whole = one.new_cache(400)
    rows = one.forward([Segment(whole, tokens)])
    blocks = [whole.save_block(index) for index in range(3)]
    for count in (0, 1, 3):
        cache = one.new_cache(300, blocks[:count])
        assert cache.length == count * block
        rest = one.forward([Segment(cache, tokens[cache.length :])])
        assert np.array_equal(rest.q, rows.q[count * block :])
        assert np.array_equal(rest.s, rows.s[count * block :])
        assert all(map(np.array_equal, cache.arrays(), whole.arrays()))
        assert np.array_equal(one.logits(rest), one.logits(rows)[count * block :])


def test_blocks_of_another_prompt_would_show():
    one = model()
    mine, other = tiny_tokens(1, 70), tiny_tokens(2, 70)
    caches = [one.new_cache(100) for _ in range(2)]
    rows = one.forward([Segment(caches[0], mine), Segment(caches[1], other)]).select(slice(64, 70))
    wrong = one.new_cache(100, [caches[1].save_block(0)])
    assert not np.array_equal(one.forward([Segment(wrong, mine[64:])]).q, rows.q)


def test_only_written_blocks_are_saved_and_a_prefix_must_fit():
    one = model()
    cache = one.new_cache(200)
    one.forward([Segment(cache, tiny_tokens(1, 100))])
    with pytest.raises(ValueError, match="not within the 100 positions"):
        cache.save_block(1)
    with pytest.raises(CacheFull, match="do not fit"):
        one.new_cache(100, [cache.save_block(0)] * 2)


@pytest.mark.parametrize("capacity", [1, 63, 64, 65, 500])
def test_the_bytes_of_a_cache_are_known_before_it_is_made(capacity):
    for one in (model(), Model(tiny_weights(), ReferenceBackend(tiny_weights()))):
        cache = one.new_cache(capacity)
        held = sum(part.nbytes for part in vars(cache).values() if isinstance(part, np.ndarray))
        assert one.cache_bytes(capacity) == held
        cache.release()
        assert not sum(part.nbytes for part in vars(cache).values() if isinstance(part, np.ndarray))
    assert tiny_config().max_position >= capacity
