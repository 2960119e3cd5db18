"""The start-up self-test: does this backend, on this machine, give the contract's bits?

python -m kernels.selftest.run [--backend cpu] [--threads N] [--model FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from kernels.arrays import arrays_sha256
from kernels.backend import Backend, Segment
from kernels.config import NUMERICS_VERSION
from kernels.selftest.tiny_models import Family, tiny_tokens, tiny_weights
from kernels.weights import Weights

if TYPE_CHECKING:
    from kernels.model import Model

SHAPES: tuple[tuple[Family, bool], ...] = (("llama", True), ("qwen2", True), ("qwen3", False))
# SHA-256 of logits and caches of the tiny models, numerics version 1 (see `golden_sha256`).
GOLDEN = {
    "llama": "fe479b2c187ee6cdf9ede0034d5933b6aa2820987d619554200297380404e1ca",
    "qwen2": "b36b0f2b35204db7d4b516f9c47f9db6524f0a087e742abbf210cd6c6da956fd",
    "qwen3": "5afdcc776453d854ea4efa1ce9ee6bf1f30c5bcf5715d032dcd7f0410e873aa3",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: whether it passed, and what was found if it did not."""

    name: str
    passed: bool
    detail: str
    milliseconds: float


def golden_sha256(backend: Backend, vocab_size: int = 211, seed: int = 0) -> str:
    """SHA-256 over logits, argmax and caches of a ragged prefill, a truncation and a ragged continuation."""
    lengths, more = (270, 1, 64, 13), (5, 33, 1, 70)
    caches = [backend.new_cache(length + extra) for length, extra in zip(lengths, more, strict=True)]
    first = backend.forward(
        [Segment(c, tiny_tokens(seed + n, n, vocab_size)) for c, n in zip(caches, lengths, strict=True)]
    )
    caches[0].truncate(260)
    second = backend.forward(
        [Segment(c, tiny_tokens(seed + n, n, vocab_size)) for c, n in zip(caches, more, strict=True)]
    )
    ids = np.array([5, 200, 77, 3])
    parts = [backend.logits(hidden, which) for hidden in (first, second) for which in (None, ids)]
    parts += [backend.argmax(second, None), backend.argmax(second, ids)]
    for cache in caches:
        parts += cache.arrays()
    return arrays_sha256(*parts)


def model_golden_sha256(model: Model) -> str:
    """The golden of a whole model (275 positions or more, 201 ids or more), equal on every machine."""
    return golden_sha256(model.backend, model.config.vocab_size)


def check_goldens(make: Callable[[Weights], Backend]) -> list[Check]:
    """Runs the tiny model of each family on a backend."""
    checks = []
    for family, tied in SHAPES:
        start = time.perf_counter()
        found = golden_sha256(make(tiny_weights(family, tied)))
        elapsed = 1000 * (time.perf_counter() - start)
        checks.append(Check(f"golden {family}", found == GOLDEN[family], found, elapsed))
    return checks


def timed(name: str, failures: Callable[[], list[str]]) -> Check:
    """A check from a function that lists what failed."""
    start = time.perf_counter()
    failed = failures()
    return Check(name, not failed, ", ".join(failed), 1000 * (time.perf_counter() - start))


def run_selftest(backend: str = "auto", threads: int | None = None) -> list[Check]:
    """All checks of a backend, as `load_model` would choose it. Raises BackendError when it cannot run."""
    from kernels.model import build_model

    described = []

    def make(weights: Weights) -> Backend:
        model = build_model(weights, backend, threads)  # type: ignore[arg-type]
        described.append(type(model.backend).__name__)
        return model.backend

    checks = check_goldens(make)
    return [Check("backend", True, described[0], 0.0), *checks]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or JSON; the exit status is 0 only if every check passed."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(prog="python -m kernels.selftest.run", description=__doc__)
    parser.add_argument("--backend", default="auto", help="auto, reference, cpu or triton")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument(
        "--model", default=None, help="also print the golden of the int8 model in this folder"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    checks = run_selftest(options.backend, options.threads)
    if options.model:
        from kernels.model import load_model

        model = load_model(options.model, options.backend, options.threads)
        start = time.perf_counter()
        found = model_golden_sha256(model)
        elapsed = 1000 * (time.perf_counter() - start)
        checks.append(Check("golden of the model", True, found, elapsed))
    passed = all(check.passed for check in checks)
    if options.json:
        print(
            json.dumps(
                {"numerics_version": NUMERICS_VERSION, "passed": passed, "checks": [*map(asdict, checks)]}
            )
        )
    else:
        table = Table("check", "result", title=f"numerics version {NUMERICS_VERSION}")
        table.add_column("detail", overflow="fold")
        table.add_column("ms", justify="right")
        for check in checks:
            result = "[green]pass" if check.passed else "[red]FAIL"
            table.add_row(check.name, result, check.detail, f"{check.milliseconds:.0f}")
        Console().print(table)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
