"""A model: checked weights on one backend, and the calls that everything above uses."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from kernels.arrays import Array
from kernels.backend import Backend, BackendError, Hidden, Segment
from kernels.cache import Block, CacheFull, KVCache
from kernels.config import ModelConfig
from kernels.weights import Weights, load_weights

logger = logging.getLogger(__name__)
BackendName = Literal["auto", "reference", "cpu", "triton"]
_BACKENDS = {
    "reference": "kernels.forward:ReferenceBackend",
    "cpu": "kernels.cpu.choose:cpu_backend",
    "triton": "kernels.gpu.backend:TritonBackend",
}


class NamedWeights(Protocol):
    """Weights in whatever form: their shape, and the hash that names them."""

    @property
    def config(self) -> ModelConfig: ...

    @property
    def sha256(self) -> str: ...


class Model:
    """A decoder-only model: equal weights and tokens give equal bits on every backend."""

    def __init__(self, weights: NamedWeights, backend: Backend) -> None:
        self.weights_sha256 = weights.sha256
        self.config = weights.config
        self.backend = backend

    @property
    def device(self) -> str:
        """Where logits and caches live: "cpu" or "cuda"."""
        return self.backend.device

    @property
    def block(self) -> int:
        """Positions of a block that caches can share."""
        return self.backend.block

    def new_cache(self, capacity: int, prefix: Sequence[Block] = ()) -> KVCache:
        """A cache for `capacity` positions, beginning with the blocks of `prefix` that a cache of this model
        saved. Raises CacheFull beyond the model's own limit, or where the backend's pool has no room.
        """
        return self.backend.new_cache(capacity, prefix)

    def cache_bytes(self, capacity: int, shared: int = 0) -> int:
        """Memory that a new cache takes; `shared` is the number of blocks that it begins with."""
        return self.backend.cache_bytes(capacity, shared)

    def free_cache_bytes(self) -> int | None:
        """Memory left in the backend's pool of caches; None where it has none (a CPU)."""
        return self.backend.free_cache_bytes()

    def forward(self, segments: Sequence[Segment]) -> Hidden:
        """Runs a ragged batch: each segment's tokens continue its own cache.

        Returns one row a token, in segment order. Raises ValueError on an empty segment, an unknown token or
        a cache that is given twice, CacheFull when a cache has no room; then no cache has changed.
        """
        if not segments:
            raise ValueError("no segments")
        if len({id(segment.cache) for segment in segments}) != len(segments):
            raise ValueError("a cache is given twice in one batch")
        for segment in segments:
            if segment.tokens.ndim != 1 or not len(segment.tokens):
                raise ValueError(f"tokens of shape {list(segment.tokens.shape)}: a segment needs one or more")
            segment.cache.reserve(len(segment.tokens))
        tokens = np.concatenate([segment.tokens for segment in segments])
        lowest, highest = int(tokens.min()), int(tokens.max())
        if lowest < 0 or highest >= self.config.vocab_size:
            unknown = lowest if lowest < 0 else highest
            raise ValueError(f"token {unknown} is not in the vocabulary of {self.config.vocab_size}")
        return self.backend.forward(segments)

    def logits(
        self,
        hidden: Hidden,
        rows: np.ndarray | slice | Sequence[int] | None = None,
        ids: np.ndarray | None = None,
    ) -> Array:
        """float32 [n, V], or [n, len(ids)] holding the same bits as those columns of the whole."""
        return self.backend.logits(hidden if rows is None else hidden.select(rows), ids)

    def argmax(
        self,
        hidden: Hidden,
        rows: np.ndarray | slice | Sequence[int] | None = None,
        ids: np.ndarray | None = None,
    ) -> Array:
        """int64 [n]: the id with the highest logit, among `ids` where given; the lowest id wins."""
        return self.backend.argmax(hidden if rows is None else hidden.select(rows), ids)


def gpu_is_usable() -> bool:
    """Whether torch finds a CUDA device. It is imported only where there is a CUDA driver."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    try:
        import torch
    except ImportError:
        logger.warning(
            "there is a CUDA driver, but no torch: the CPU serves (for the GPU install samebytes[gpu])"
        )
        return False
    return torch.cuda.is_available()


def load_model(path: str | Path, backend: BackendName = "auto", threads: int | None = None) -> Model:
    """Loads an int8 container (a file, or a folder with `model.safetensors`) on a backend.

    `auto` takes the GPU when there is one, else the CPU. Raises WeightsError, and BackendError when a
    backend is asked for that cannot run here.
    """
    name = chosen_backend(backend)
    if name == "cpu":
        # Named by text, as the backends are: they are above this module.
        return Model(*import_module("kernels.cpu.choose").load_cpu_backend(Path(path), threads))
    return build_model(load_weights(path), name, threads)


def chosen_backend(backend: BackendName) -> BackendName:
    """What `auto` means on this machine; others as they are. Raises BackendError for an unknown name."""
    if backend == "auto":
        return "triton" if gpu_is_usable() else "cpu"
    if backend not in _BACKENDS:
        raise BackendError(f"no backend named {backend!r}; there are {', '.join(_BACKENDS)}")
    return backend


def build_model(weights: Weights, backend: BackendName = "auto", threads: int | None = None) -> Model:
    """As `load_model`, from weights in memory."""
    backend = chosen_backend(backend)
    module, name = _BACKENDS[backend].split(":")
    try:
        implementation = getattr(import_module(module), name)
    except ImportError as error:
        raise BackendError(f"the {backend} backend needs a package that is not installed: {error}") from error
    return Model(weights, implementation(weights, threads))


__all__ = [
    "BackendError",
    "Block",
    "CacheFull",
    "Hidden",
    "KVCache",
    "Model",
    "Segment",
    "build_model",
    "load_model",
]
