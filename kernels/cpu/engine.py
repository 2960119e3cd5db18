"""Calls into the C engine: one method an exported function, tensors in and out."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.cpu.structs import Linear, ModelWeights, Sequence, pointer
from kernels.isa import usable_isas
from kernels.native import CompileError, load_library

PANEL = 64  # tile.h
LANES = 16


@dataclass(frozen=True, slots=True)
class PackedLinear:
    """A matrix in the engine's layout; `struct` points into the tensors."""

    struct: Linear
    tensors: tuple[Tensor | None, ...]


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
        self, weight: Tensor, scale: Tensor, bias: Tensor | None = None, ids: Tensor | None = None
    ) -> PackedLinear:
        """weight int8 [N, K], scale float32 [N]; with ids (int64) only those rows, in their order."""
        weight = weight.contiguous()
        if ids is not None:
            ids = ids.to(torch.int64).contiguous()
            scale = scale[ids]
        n, k = scale.shape[0], weight.shape[1]
        packed = torch.empty(self.library.samebytes_packed_bytes(n, k), dtype=torch.int8)
        offset = torch.empty(-(-n // PANEL) * PANEL, dtype=torch.int32)
        self.library.samebytes_pack(
            *_pointers(weight, ids),
            ctypes.c_int64(n),
            ctypes.c_int64(k),
            *_pointers(packed, offset),
            self.threads,
        )
        scale = scale.contiguous()
        struct = Linear(n, k, pointer(packed), pointer(offset), pointer(scale), pointer(bias))
        return PackedLinear(struct, (packed, offset, scale, bias))

    def linear(self, q: Tensor, s: Tensor, layer: PackedLinear) -> Tensor:
        """q int8 [T, K], s float32 [T] → float32 [T, N]."""
        q, s = q.contiguous(), s.contiguous()
        y = torch.empty(q.shape[0], layer.struct.n, dtype=torch.float32)
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
        self, model: ModelWeights, sequences: list[Sequence], tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """tokens int64 [N] of all sequences → final rows q int8 [N, hidden], s float32 [N]."""
        tokens = tokens.contiguous()
        q = torch.empty(tokens.shape[0], model.hidden, dtype=torch.int8)
        s = torch.empty(tokens.shape[0], dtype=torch.float32)
        status = self.library.samebytes_forward(
            ctypes.byref(model),
            (Sequence * len(sequences))(*sequences),
            ctypes.c_int64(len(sequences)),
            *_pointers(tokens, q, s),
            self.threads,
        )
        _check(status)
        return q, s

    def argmax(self, logits: Tensor, ids: Tensor | None) -> Tensor:
        """logits float32 [N, M] → int64 [N]: the id (else the column) of the maximum, the lowest of a tie."""
        best = torch.empty(logits.shape[0], dtype=torch.int64)
        ids = None if ids is None else ids.to(torch.int64).contiguous()
        self.library.samebytes_argmax(
            *_pointers(logits, ids),
            ctypes.c_int64(logits.shape[0]),
            ctypes.c_int64(logits.shape[1]),
            *_pointers(best),
            self.threads,
        )
        return best

    def quantize_rows(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """As `reference.quantize_rows`, z float32 [T, N]."""
        q, s = torch.empty(z.shape, dtype=torch.int8), torch.empty(z.shape[0], dtype=torch.float32)
        self.library.samebytes_quantize(*_pointers(z), *map(ctypes.c_int64, z.shape), *_pointers(q, s))
        return q, s

    def rms_norm_quantize(self, x: Tensor, g: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """As `reference.rms_norm_quantize`."""
        q, s = torch.empty(x.shape, dtype=torch.int8), torch.empty(x.shape[0], dtype=torch.float32)
        status = self.library.samebytes_norm_quantize(
            *_pointers(x, g), *map(ctypes.c_int64, x.shape), ctypes.c_float(eps), *_pointers(q, s)
        )
        _check(status)
        return q, s

    def silu_mul(self, g: Tensor, u: Tensor) -> Tensor:
        """As `reference.silu_mul`."""
        out = torch.empty_like(g)
        self.library.samebytes_silu_mul(*_pointers(g, u), ctypes.c_int64(g.numel()), *_pointers(out))
        return out

    def exp2(self, d: Tensor) -> Tensor:
        """As `reference.exp2`."""
        out = torch.empty_like(d)
        self.library.samebytes_exp2(*_pointers(d), ctypes.c_int64(d.numel()), *_pointers(out))
        return out


def available_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pointers(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(pointer(tensor)) for tensor in tensors]


def _check(status: int) -> None:
    if status:
        raise MemoryError("the C engine could not allocate its workspace")
