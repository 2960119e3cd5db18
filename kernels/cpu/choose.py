"""Which CPU implementation serves: the C engine if it compiles and passes every known answer, else torch."""

from __future__ import annotations

import logging
from functools import lru_cache

import torch
from torch import Tensor

from kernels.backend import Backend
from kernels.cpu.backend import EngineBackend, fits_engine
from kernels.cpu.engine import Engine
from kernels.cpu.torch_backend import TorchBackend
from kernels.isa import usable_isas
from kernels.native import CompileError, NoCompilerError
from kernels.selftest.known_answers import matmul_failures, row_failures
from kernels.selftest.run import Check, check_goldens, timed
from kernels.weights import Weights

logger = logging.getLogger(__name__)


def cpu_backend(weights: Weights, threads: int | None = None) -> Backend:
    """The fastest implementation that is right on this machine. `threads` None takes every core."""
    engine = trusted_engine(threads)
    if engine is not None and fits_engine(weights.config):
        return EngineBackend(weights, engine)
    return TorchBackend(weights, threads)


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
    logger.warning("the C engine is not available, torch serves instead (slower, same bits)")
    return None


def check_engine(engine: Engine) -> list[Check]:
    """Products at their extremes, row-wise operations, and whole tiny models."""

    def matmul(q: Tensor, w: Tensor) -> Tensor:  # scales of 1: float32 holds these sums exactly
        return engine.linear(q, torch.ones(q.shape[0]), engine.pack(w, torch.ones(w.shape[0])))

    return [
        timed("integer products", lambda: matmul_failures(matmul)),
        timed("row operations", lambda: row_failures(engine)),
        *check_goldens(lambda weights: EngineBackend(weights, engine)),
    ]
