"""The same bits from a real model on every machine: `python -m evals.kernels.check_model MODEL PROMPTS`.

MODEL is an int8 container, PROMPTS a JSON list of lists of token ids. Every prompt runs on the backends asked
for, by default the GPU and the CPU; hidden rows, cache, the last row's logits and every argmax must be the
same bits. `--write` keeps the hashes, `--against` compares with kept ones, so that two GPUs, or a GPU and a
CPU, need not be in one machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from kernels.arrays import arrays_sha256
from kernels.backend import Backend, Segment
from kernels.model import build_model
from kernels.weights import Weights, load_weights


def prompt_sha256(backend: Backend, tokens: list[int]) -> str:
    """SHA-256 over hidden rows, cache, the last row's logits and every row's argmax."""
    cache = backend.new_cache(len(tokens))
    hidden = backend.forward([Segment(cache, np.array(tokens))])
    last = hidden.select(slice(len(tokens) - 1, len(tokens)))
    logits, best = backend.logits(last, None), backend.argmax(hidden, None)
    return arrays_sha256(hidden.q, hidden.s, *cache.arrays(), logits, best)


def run(weights: Weights, name: str, prompts: list[list[int]]) -> tuple[str, list[str]]:
    """The machine, in words, and the hash of every prompt on the backend called `name`."""
    backend = build_model(weights, name).backend  # type: ignore[arg-type]
    on_gpu = backend.device == "cuda"
    machine = torch.cuda.get_device_name() if on_gpu else f"{type(backend).__name__} ({platform.machine()})"
    start = time.monotonic()
    hashes = [prompt_sha256(backend, tokens) for tokens in prompts]
    print(f"{machine}: {time.monotonic() - start:.1f} s", flush=True)
    return machine, hashes


def main() -> int:
    """Prints how many prompts agree; the exit status is 1 unless all do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("prompts", type=Path)
    parser.add_argument("--backend", action="append", choices=("triton", "cpu", "reference"))
    parser.add_argument("--write", type=Path, help="where to keep the hashes")
    parser.add_argument("--against", type=Path, action="append", default=[], help="hashes kept before")
    options = parser.parse_args()
    weights = load_weights(options.model)
    prompts: list[list[int]] = json.loads(options.prompts.read_text())
    found = [run(weights, name, prompts) for name in options.backend or ("triton", "cpu")]
    if options.write:
        machine, hashes = found[0]
        kept = {"weights": weights.sha256, "machine": machine, "prompts": hashes}
        options.write.write_text(json.dumps(kept, indent=1) + "\n")
    for path in options.against:
        kept = json.loads(path.read_text())
        if kept["weights"] != weights.sha256:
            print(f"{path} holds the hashes of other weights, {kept['weights'][:16]}")
            return 1
        found.append((kept["machine"], kept["prompts"]))
    same = sum(len(set(column)) == 1 for column in zip(*(hashes for _, hashes in found), strict=True))
    lengths = sorted(map(len, prompts))
    total = hashlib.sha256("".join(found[0][1]).encode()).hexdigest()
    machines = " and ".join(machine for machine, _ in found)
    print(
        f"weights {weights.sha256[:16]}: {same} of {len(prompts)} prompts of {lengths[0]} to {lengths[-1]} "
        f"tokens ({sum(lengths)} in all) are the same bits on {machines}; hash of all {total[:16]}"
    )
    return int(same != len(prompts))


if __name__ == "__main__":
    sys.exit(main())
