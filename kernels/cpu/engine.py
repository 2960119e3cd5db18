"""Calls into the C engine: one method an exported function, arrays in and out."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

import numpy as np

from kernels.cpu.structs import Linear, ModelWeights, Sequence, pointer
from kernels.isa import usable_isas
from kernels.native import CompileError, load_library

PANEL = 64  # tile.h
LANES = 16


@dataclass(frozen=True, slots=True)
class PackedLinear:
    """A matrix in the engine's layout; `struct` points into the arrays."""

    struct: Linear
    arrays: tuple[np.ndarray | None, ...]


class Engine:
    """The compiled library with a number of threads. Calls release the GIL and may run at the same time."""

    def __init__(self, threads: int | None = None, target: str | None = None) -> None:
        """`target` names an instruction set of this CPU; None is the quickest. Raises CompileError."""
        self.library = load_library(target or usable_isas()[0].name)
        if self.library.samebytes_enable():
            raise CompileError("the system does not let a program use the tile registers (AMX)")
        self.library.samebytes_isa.restype = ctypes.c_char_p
        self.library.samebytes_packed_bytes.restype = ctypes.c_int64
        self.library.samebytes_packed_bytes.argtypes = (ctypes.c_int64, ctypes.c_int64)
        self.threads = threads or available_cores()

    @property
    def isa(self) -> str:
        """The instruction set of the tile products, as kernels/isa.py names it."""
        return self.library.samebytes_isa().decode()

    def pack(
        self,
        weight: np.ndarray,
        scale: np.ndarray,
        bias: np.ndarray | None = None,
        ids: np.ndarray | None = None,
    ) -> PackedLinear:
        """weight int8 [N, K], scale float32 [N]; with ids (int64) only those rows, in their order."""
        weight = np.ascontiguousarray(weight)
        if ids is not None:
            ids = np.ascontiguousarray(ids, np.int64)
            scale = scale[ids]
        n, k = scale.shape[0], weight.shape[1]
        packed = np.empty(self.library.samebytes_packed_bytes(n, k), np.int8)
        offset = np.empty(-(-n // PANEL) * PANEL, np.int32)
        self.library.samebytes_pack(
            *_pointers(weight, ids),
            ctypes.c_int64(n),
            ctypes.c_int64(k),
            *_pointers(packed, offset),
            self.threads,
        )
        return self.packed_linear(packed, offset, np.ascontiguousarray(scale), bias, k)

    def packed_linear(
        self, packed: np.ndarray, offset: np.ndarray, scale: np.ndarray, bias: np.ndarray | None, k: int
    ) -> PackedLinear:
        """A matrix [N, k] that is packed already; offset int32, N rounded up to PANEL, as `pack` makes it."""
        struct = Linear(len(scale), k, pointer(packed), pointer(offset), pointer(scale), pointer(bias))
        return PackedLinear(struct, (packed, offset, scale, bias))

    @property
    def zero(self) -> int:
        """What a row of int8 is offset by in the products, 128 or 0 (tile.h)."""
        return self.library.samebytes_zero()

    def linear(self, q: np.ndarray, s: np.ndarray, layer: PackedLinear) -> np.ndarray:
        """q int8 [T, K], s float32 [T] → float32 [T, N]."""
        q, s = np.ascontiguousarray(q), np.ascontiguousarray(s)
        y = np.empty((q.shape[0], layer.struct.n), np.float32)
        status = self.library.samebytes_linear(
            ctypes.byref(layer.struct),
            *_pointers(q, s),
            ctypes.c_int64(q.shape[0]),
            *_pointers(y),
            self.threads,
        )
        _check(status)
        return y

    def forward(
        self, model: ModelWeights, sequences: list[Sequence], tokens: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """tokens int64 [N] of all sequences → final rows q int8 [N, hidden], s float32 [N]."""
        tokens = np.ascontiguousarray(tokens, np.int64)
        q = np.empty((tokens.shape[0], model.hidden), np.int8)
        s = np.empty(tokens.shape[0], np.float32)
        status = self.library.samebytes_forward(
            ctypes.byref(model),
            (Sequence * len(sequences))(*sequences),
            ctypes.c_int64(len(sequences)),
            *_pointers(tokens, q, s),
            self.threads,
        )
        _check(status)
        return q, s

    def argmax(self, logits: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
        """logits float32 [N, M] → int64 [N]: the id (else the column) of the maximum, the lowest of a tie."""
        best = np.empty(logits.shape[0], np.int64)
        ids = None if ids is None else np.ascontiguousarray(ids, np.int64)
        self.library.samebytes_argmax(
            *_pointers(logits, ids),
            ctypes.c_int64(logits.shape[0]),
            ctypes.c_int64(logits.shape[1]),
            *_pointers(best),
            self.threads,
        )
        return best

    def quantize_rows(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `reference.quantize_rows`, z float32 [T, N]."""
        q, s = np.empty(z.shape, np.int8), np.empty(z.shape[0], np.float32)
        self.library.samebytes_quantize(*_pointers(z), *map(ctypes.c_int64, z.shape), *_pointers(q, s))
        return q, s

    def rms_norm_quantize(self, x: np.ndarray, g: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
        """As `reference.rms_norm_quantize`."""
        q, s = np.empty(x.shape, np.int8), np.empty(x.shape[0], np.float32)
        status = self.library.samebytes_norm_quantize(
            *_pointers(x, g), *map(ctypes.c_int64, x.shape), ctypes.c_float(eps), *_pointers(q, s)
        )
        _check(status)
        return q, s

    def silu_mul(self, g: np.ndarray, u: np.ndarray) -> np.ndarray:
        """As `reference.silu_mul`."""
        out = np.empty_like(g)
        self.library.samebytes_silu_mul(*_pointers(g, u), ctypes.c_int64(g.size), *_pointers(out))
        return out

    def exp2(self, d: np.ndarray) -> np.ndarray:
        """As `reference.exp2`."""
        out = np.empty_like(d)
        self.library.samebytes_exp2(*_pointers(d), ctypes.c_int64(d.size), *_pointers(out))
        return out


def available_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pointers(*arrays: np.ndarray | None) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(pointer(array)) for array in arrays]


def _check(status: int) -> None:
    if status:
        raise MemoryError("the C engine could not allocate its workspace")
