"""CPU = GPU for a real model: `python -m kernels.gpu.check_model MODEL PROMPTS`.

MODEL is an int8 container, PROMPTS a JSON list of lists of token ids. Every prompt runs on the CPU backend
and on the GPU; hidden rows, cache, the last row's logits and every argmax must be the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import torch

from kernels.backend import Backend, Segment
from kernels.cache import tensors_sha256
from kernels.model import build_model
from kernels.weights import load_weights


def prompt_sha256(backend: Backend, tokens: list[int]) -> str:
    """SHA-256 over hidden rows, cache, the last row's logits and every row's argmax."""
    cache = backend.new_cache(len(tokens))
    hidden = backend.forward([Segment(cache, torch.tensor(tokens))])
    last = hidden.select(slice(len(tokens) - 1, len(tokens)))
    logits, best = backend.logits(last, None), backend.argmax(hidden, None)
    return tensors_sha256(hidden.q, hidden.s, *cache.tensors(), logits, best)


def main() -> int:
    """Prints how many prompts agree; the exit status is the number that do not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("prompts", type=Path)
    options = parser.parse_args()
    weights = load_weights(options.model)
    prompts: list[list[int]] = json.loads(options.prompts.read_text())
    hashes: dict[str, list[str]] = {}
    for name in ("triton", "cpu"):
        backend = build_model(weights, name).backend  # type: ignore[arg-type]
        start = time.monotonic()
        hashes[name] = [prompt_sha256(backend, tokens) for tokens in prompts]
        print(f"{name} ({type(backend).__name__}): {time.monotonic() - start:.1f} s", flush=True)
        del backend
    same = sum(a == b for a, b in zip(hashes["triton"], hashes["cpu"], strict=True))
    lengths = sorted(map(len, prompts))
    total = hashlib.sha256("".join(hashes["triton"]).encode()).hexdigest()
    print(
        f"{torch.cuda.get_device_name()}, weights {weights.sha256[:16]}: {same} of {len(prompts)} prompts of "
        f"{lengths[0]} to {lengths[-1]} tokens ({sum(lengths)} in all) are the same bits on CPU and GPU; "
        f"hash of all {total[:16]}"
    )
    return len(prompts) - same


if __name__ == "__main__":
    sys.exit(main())
