"""SHA-256 of what the 135M shape with integer-generated weights gives, made by the reference on a CPU.

`python -m kernels.gpu.goldens` writes them (minutes). Every backend on every machine must reproduce them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from kernels.arrays import arrays_sha256, as_numpy
from kernels.backend import Backend, Hidden, Segment
from kernels.forward import ReferenceBackend
from kernels.selftest.tiny_models import tiny_tensors, tiny_tokens
from kernels.shapes import SHAPES
from kernels.weights import Weights, build_weights

CONFIG = SHAPES["135M"]
GOLDENS = Path(__file__).with_name("goldens.json")
GOLDEN_LENGTHS = (1, 2, 17, 130, 511, 700)


def golden_weights() -> Weights:
    """The 135M shape with weights from an integer generator."""
    return build_weights(CONFIG, tiny_tensors(CONFIG))


def tokens(seed: int, count: int) -> np.ndarray:
    return tiny_tokens(seed, count, CONFIG.vocab_size)


def run(backend: Backend, chunks: list[np.ndarray], capacity: int) -> tuple[Hidden, str]:
    """One sequence fed in chunks: all hidden rows and the cache's SHA-256."""
    cache = backend.new_cache(capacity)
    rows = [backend.forward([Segment(cache, chunk)]) for chunk in chunks]
    q, s = (
        np.concatenate([as_numpy(part) for part in parts])
        for parts in zip(*((h.q, h.s) for h in rows), strict=True)
    )
    return Hidden(q, s), cache.sha256()


def hashes(backend: Backend, length: int) -> dict[str, str]:
    """SHA-256 of everything one prompt gives: hidden rows, cache, the last logits, every argmax."""
    hidden, cache = run(backend, [tokens(length, length)], 1024)
    last = hidden.select(slice(max(0, length - 8), length))
    return {
        "hidden": arrays_sha256(hidden.q, hidden.s),
        "cache": cache,
        "logits": arrays_sha256(backend.logits(last, None)),
        "argmax": arrays_sha256(backend.argmax(hidden, None)),
    }


def write_goldens(weights: Weights) -> None:
    """The reference's hashes, made on a CPU."""
    cpu = ReferenceBackend(weights)
    prompts = {str(length): hashes(cpu, length) for length in GOLDEN_LENGTHS}
    content = {"weights": weights.sha256, "prompts": prompts}
    GOLDENS.write_text(json.dumps(content, indent=1) + "\n")


def golden(length: int) -> dict[str, str]:
    """The recorded hashes of one prompt."""
    return json.loads(GOLDENS.read_text())["prompts"][str(length)]


if __name__ == "__main__":
    write_goldens(golden_weights())
