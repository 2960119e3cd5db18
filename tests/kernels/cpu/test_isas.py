"""Every instruction set of this CPU gives the same bits, and a wrong one is found out."""

from __future__ import annotations

import ctypes
import shutil

import numpy as np
import pytest

from kernels.cpu import choose
from kernels.cpu.engine import Engine
from kernels.cpu.structs import Linear
from kernels.isa import IsaError, known_isas, usable_isas
from kernels.native import ENGINE, load_library
from kernels.selftest.tiny_models import random_bytes

POISON = np.uint32(0x7FC0DEAD)
# rows, k, n: no tile of any instruction set divides them; k of up to 1,537 crosses what is widened at once
SHAPES = [(1, 4, 1), (2, 7, 17), (3, 63, 65), (5, 64, 64), (6, 66, 31), (7, 129, 80), (15, 192, 130)]
SHAPES += [(16, 128, 96), (17, 1040, 33), (31, 1028, 50), (33, 1537, 161)]
NAMES = [isa.name for isa in usable_isas()]


def address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def noise(seed: int, *shape: int) -> np.ndarray:
    """int8 in ±127, with its extremes in every row."""
    values = random_bytes(seed, int(np.prod(shape))).astype(np.int16).reshape(shape) - 128
    values[:, ::5] = np.where(values[:, ::5] < 0, -127, 127)
    return np.maximum(values, -127).astype(np.int8)


def products(library: ctypes.CDLL, q: np.ndarray, w: np.ndarray, threads: int = 2) -> np.ndarray:
    """q [T, K] times w [N, K] by the library, in float32 of scales 1; poison must surround it."""
    n, k = w.shape
    packed = np.full(library.samebytes_packed_bytes(ctypes.c_int64(n), ctypes.c_int64(k)), 0x55, np.int8)
    offset = np.full(-(-n // 64) * 64, 0x55555555, np.int32)
    sizes = (ctypes.c_int64(n), ctypes.c_int64(k))
    library.samebytes_pack(address(w), None, *sizes, address(packed), address(offset), threads)
    one, s = np.ones(n, np.float32), np.ones(len(q), np.float32)
    layer = Linear(n, k, packed.ctypes.data, offset.ctypes.data, one.ctypes.data, None)
    around = np.full((len(q) + 2) * n + 64, POISON, np.uint32)
    y = around[n:]
    status = library.samebytes_linear(
        ctypes.byref(layer), address(q), address(s), ctypes.c_int64(len(q)), address(y), threads
    )
    assert status == 0
    assert (around[:n] == POISON).all()
    assert (y[len(q) * n :] == POISON).all()
    return y[: len(q) * n].view(np.float32).reshape(len(q), n)


@pytest.mark.parametrize("name", NAMES)
def test_products_of_odd_shapes(name):
    library = Engine(1, name).library
    for seed, (t, k, n) in enumerate(SHAPES):
        q, w = noise(seed, t, k), noise(seed + 50, n, k)
        expected = q.astype(np.int64) @ w.astype(np.int64).T
        assert np.array_equal(products(library, q, w), expected.astype(np.float32)), (t, k, n)


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_is_of_the_set_asked_for(name):
    assert Engine(1, name).isa == name


def test_a_forced_set(monkeypatch):
    monkeypatch.setenv("SAMEBYTES_ISA", NAMES[-1])
    assert [isa.name for isa in usable_isas()] == ["portable"]
    monkeypatch.setenv("SAMEBYTES_ISA", "mmx")
    with pytest.raises(IsaError, match="SAMEBYTES_ISA=mmx"):
        usable_isas()


def test_every_machine_can_fall_back():
    assert known_isas()[-1].name == "portable"
    assert not known_isas()[-1].needs


def test_a_wrong_tile_is_found_out(tmp_path):
    """Rows of the engine's own source with one pair of a product lost give other sums."""
    for part in ENGINE.parent.glob("*.[ch]"):
        shutil.copy(part, tmp_path)
    tile = tmp_path / "tile_plain.h"
    right = tile.read_text()
    assert right.count("four[3] * column[4 * n + 3]") == 1
    tile.write_text(right.replace("four[3] * column[4 * n + 3]", "four[3] * column[4 * n + 3] / 2 * 2"))
    library = load_library("portable", tmp_path / ENGINE.name)
    q, w = noise(1, 3, 64), noise(2, 5, 64)
    assert not np.array_equal(products(library, q, w), (q.astype(np.int64) @ w.astype(np.int64).T))


def test_the_next_set_serves_where_one_is_wrong(monkeypatch, caplog):
    if len(NAMES) < 2:
        pytest.skip("this CPU has one set only")
    check = choose.check_engine

    def failing(engine: Engine) -> list[choose.Check]:
        return [choose.Check("products", False, "", 0.0)] if engine.isa == NAMES[0] else check(engine)

    monkeypatch.setattr(choose, "check_engine", failing)
    choose.trusted_engine.cache_clear()
    engine = choose.trusted_engine(1)
    choose.trusted_engine.cache_clear()
    assert engine is not None
    assert engine.isa == NAMES[1]
    assert f"the C engine for {NAMES[0]} fails" in caplog.text
