"""Tokens a second on the CPU: prefill, verify and decode, with and without the whole vocabulary.

    python -m evals.kernels.bench_cpu [--model FOLDER] [--threads N] [--json]

Without a model, random weights of SmolLM2-135M's shape are used: the time does not depend on the values.
Each figure is the median of the repeats, in wall time and in CPU time of this process (which says what
limits it when other programs use the same cores). CPU.md has the figures and what limits them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from kernels.cpu.engine import available_cores
from kernels.model import Model, Segment, build_model, load_model
from kernels.selftest.tiny_models import tiny_tensors, tiny_tokens
from kernels.shapes import SHAPES
from kernels.weights import build_weights

ALLOWED_IDS = 300  # vocabulary entries that a decoder held to known lines chooses among
# name, positions in the cache before, new tokens, repeats
CASES = (
    ("prefill 256", 0, 256, 7),
    ("prefill 1024", 0, 1024, 5),
    ("prefill 2048", 0, 2048, 3),
    ("prefill 6000", 0, 6000, 1),
    ("verify 64 at 512", 512, 64, 9),
    ("verify 64 at 1024", 1024, 64, 9),
    ("verify 64 at 2048", 2048, 64, 9),
    ("verify 16 at 1024", 1024, 16, 15),
    ("decode at 1024", 1024, 1, 25),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Median wall and CPU milliseconds of one case, and tokens a second of wall time."""

    case: str
    wall_ms: float
    cpu_ms: float
    tokens_per_s: float


def measure(case: str, tokens: int, repeats: int, run: Callable[[], object]) -> Figure:
    """Times `run` after one call to warm up."""
    run()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    wall_ms = statistics.median(walls)
    return Figure(
        case, round(wall_ms, 2), round(statistics.median(cpus), 2), round(1000 * tokens / wall_ms, 1)
    )


def bench(model: Model) -> list[Figure]:
    """All cases of a model; those beyond its positions are left out."""
    vocabulary = model.config.vocab_size
    figures = []
    for name, past, new, repeats in CASES:
        if past + new > model.config.max_position:
            continue
        cache = model.new_cache(past + new)
        if past:
            model.forward([Segment(cache, tiny_tokens(0, past, vocabulary))])
        segment = Segment(cache, tiny_tokens(1, new, vocabulary))

        def run(segment: Segment = segment, past: int = past) -> None:
            segment.cache.truncate(past)
            model.forward([segment])

        figures.append(measure(name, new, repeats, run))
    hidden = model.forward([Segment(model.new_cache(64), tiny_tokens(2, 64, vocabulary))])
    ids = np.unique(tiny_tokens(3, ALLOWED_IDS, vocabulary))
    figures.append(measure("argmax of 64 rows, all ids", 64, 5, lambda: model.argmax(hidden)))
    figures.append(
        measure(f"argmax of 64 rows, {len(ids)} ids", 64, 15, lambda: model.argmax(hidden, ids=ids))
    )
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or JSON."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(
        prog="python -m evals.kernels.bench_cpu", description="tokens a second on the CPU"
    )
    parser.add_argument("--model", default=None, help="folder of an int8 model")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.model:
        model = load_model(options.model, "cpu", options.threads)
    else:
        weights = build_weights(SHAPES["135M"], tiny_tensors(SHAPES["135M"]))
        model = build_model(weights, "cpu", options.threads)
    figures = bench(model)
    if options.json:
        print(json.dumps({"threads": options.threads, "figures": [asdict(figure) for figure in figures]}))
        return 0
    table = Table("case", "wall ms", "CPU ms", "tokens/s", title=f"{options.threads} threads")
    for figure in figures:
        table.add_row(
            figure.case, f"{figure.wall_ms:.1f}", f"{figure.cpu_ms:.1f}", f"{figure.tokens_per_s:.0f}"
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
