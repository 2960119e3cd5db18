"""Which CPU implementation serves: the C engine if it compiles and passes every known answer, else numpy."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np

from kernels.backend import Backend
from kernels.cpu.backend import EngineBackend, fits_engine
from kernels.cpu.engine import Engine
from kernels.cpu.numpy_backend import NumpyBackend
from kernels.cpu.packed import PACKED_FILE, PackedFileError, PackedModel, load_packed
from kernels.isa import usable_isas
from kernels.native import CompileError, NoCompilerError
from kernels.selftest.known_answers import matmul_failures, row_failures
from kernels.selftest.run import Check, check_goldens, timed
from kernels.weights import Weights, load_weights

logger = logging.getLogger(__name__)


def cpu_backend(weights: Weights, threads: int | None = None) -> Backend:
    """The fastest implementation that is right on this machine. `threads` None takes every core."""
    engine = trusted_engine(threads)
    if engine is not None and fits_engine(weights.config):
        return EngineBackend(weights, engine)
    return NumpyBackend(weights, threads)


def load_cpu_backend(path: Path, threads: int | None = None) -> tuple[PackedModel | Weights, Backend]:
    """The model of a folder or file, mapped from its packed file where that is good. Raises WeightsError."""
    engine = trusted_engine(threads)
    if engine is not None and path.is_dir() and (path / PACKED_FILE).exists():
        try:
            packed = load_packed(path / PACKED_FILE, engine)
            return packed, EngineBackend(packed, engine)
        except PackedFileError as error:
            logger.warning("the weights are packed again: %s", error)
    weights = load_weights(path)
    return weights, cpu_backend(weights, threads)


@lru_cache(maxsize=8)
def trusted_engine(threads: int | None) -> Engine | None:
    """The C engine for the quickest instruction set that answers everything known, or None."""
    for isa in usable_isas():
        try:
            engine = Engine(threads, isa.name)
        except CompileError as error:
            logger.warning("no C engine for %s: %s", isa.name, error)
            if isinstance(error, NoCompilerError):
                break
            continue
        failed = [check for check in check_engine(engine) if not check.passed]
        if not failed:
            return engine
        names = ", ".join(check.name for check in failed)
        logger.error("the C engine for %s fails its known answers (%s)", isa.name, names)
    logger.warning("the C engine is not available, numpy serves instead (slower, same bits)")
    return None


def check_engine(engine: Engine) -> list[Check]:
    """Products at their extremes, row-wise operations, and whole tiny models."""

    def matmul(q: np.ndarray, w: np.ndarray) -> np.ndarray:  # scales of 1: float32 holds these sums exactly
        one = [np.ones(len(x), np.float32) for x in (q, w)]
        return engine.linear(q, one[0], engine.pack(w, one[1]))

    return [
        timed("integer products", lambda: matmul_failures(matmul)),
        timed("row operations", lambda: row_failures(engine)),
        *check_goldens(lambda weights: EngineBackend(weights, engine)),
    ]
