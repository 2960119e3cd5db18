"""Correctness on a GPU: `python -m evals.kernels.check_gpu [GROUP ...]` prints a line for each property.

CPU = GPU to the bit (hidden rows, logits, cache) on a model of the 135M shape with integer-generated weights,
against hashes that the CPU reference wrote (`goldens`); the same bits over batch sizes, batch places, query
lengths, chunks, splits, page orders and shared prefixes; every float32 that exp2 can meet; no contracted or
approximate instruction in any kernel; and a bf16 model as the control.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import triton
import triton.language as tl

from evals.kernels.cases import CONTEXT, CONTROL_SIZES
from evals.kernels.instructions import reports
from evals.kernels.plain import PlainModel, batch_variance, random_weights
from kernels.arrays import as_numpy
from kernels.backend import Hidden, Segment
from kernels.gpu import arithmetic
from kernels.gpu.backend import TritonBackend
from kernels.gpu.goldens import GOLDEN_LENGTHS, golden, golden_weights, hashes, run, tokens
from kernels.selftest.run import check_goldens
from kernels.shapes import SHAPES

QUERY_LENGTHS = (1, 2, 3, 5, 8, 16, 21, 22, 43, 64, 100, 128, 257, 512)


PROMPT, MORE = tokens(1, 300), tokens(2, 512)


@triton.jit
def _exp2_of_bits(out_ptr, first, BLOCK: tl.constexpr, OF_32NDS: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    d = (first + i).to(tl.int32).to(tl.float32, bitcast=True)
    if OF_32NDS:
        # As attention has it: the difference of two scores' 32nds, the smaller of which is 32 * d here.
        e = arithmetic.exp2_of_32nds(
            arithmetic.saturated_difference(tl.zeros((BLOCK,), tl.float32), d * 0.03125)
        )
    else:
        e = arithmetic.exp2(d)
    tl.store(out_ptr + i, e)


def exp2_differences(of_32nds: bool) -> int:
    """Compares exp2 with one eager operation a kernel on every float32 from -0 to -25, bit for bit.

    Below -24, attention's form of it need not be as large as 2^-24, only too small for a weight.
    """
    differences, step, block = 0, 1 << 26, 1024
    last = int(torch.tensor(-25.0).view(torch.int32))
    out = torch.empty(step, device="cuda")
    for first in range(-(2**31), last, step):
        _exp2_of_bits[(step // block,)](out, first, BLOCK=block, OF_32NDS=of_32nds, **arithmetic.STRICT)
        bits = torch.arange(first, first + step, device="cuda", dtype=torch.int64).to(torch.int32)
        d = bits.view(torch.float32).clamp(min=-24.0)
        n = torch.floor(d)
        f = d - n
        p = 1.0 + f * (0.6954244 + f * (0.22630768 + f * 0.07826797))
        want = p * ((n.to(torch.int32) + 127) << 23).view(torch.float32)
        different = out.view(torch.int32) != want.view(torch.int32)
        if of_32nds:
            different &= (bits.view(torch.float32) >= -24.0) | (out * 16256.0 >= 0.5)
        differences += int(different.sum())
    return differences


def equal(a: Hidden, b: Hidden) -> bool:
    return np.array_equal(as_numpy(a.q), as_numpy(b.q)) and np.array_equal(as_numpy(a.s), as_numpy(b.s))


def check_cpu_equals_gpu(gpu: TritonBackend) -> Iterator[tuple[str, bool]]:
    for length in GOLDEN_LENGTHS:
        got = hashes(gpu, length)
        same = got == golden(length)
        yield f"CPU = GPU, prompt of {length}: {', '.join(got)}; cache {got['cache'][:16]}", same


def steps(backend: TritonBackend, prompts: list[np.ndarray]) -> list[Hidden]:
    """The rows of a batch's prompts, then those of two decode steps."""
    caches = [backend.new_cache(256) for _ in prompts]
    rows = [backend.forward([Segment(c, p) for c, p in zip(caches, prompts, strict=True)])]
    return rows + [backend.forward([Segment(c, token) for c in caches]) for token in np.split(MORE[:2], 2)]


def check_query_lengths(gpu: TritonBackend, whole: Hidden) -> Iterator[tuple[str, bool]]:
    same, cache = True, gpu.new_cache(1024)
    gpu.forward([Segment(cache, PROMPT)])
    for count in QUERY_LENGTHS:
        for _ in range(2):  # eager, then as a graph
            cache.truncate(len(PROMPT))
            got = gpu.forward([Segment(cache, MORE[:count])])
            same &= equal(got, whole.select(slice(len(PROMPT), len(PROMPT) + count)))
    yield f"query lengths {QUERY_LENGTHS}: decode = verify = prefill", same


def check_chunks(gpu: TritonBackend, whole: Hidden, cache: str) -> Iterator[tuple[str, bool]]:
    same, everything = True, np.concatenate((PROMPT, MORE))
    for chunk in (1, 7, 64, 100, 333, 512):
        got, got_cache = run(gpu, _chunks(everything[: len(everything) if chunk > 1 else 320], chunk), 1024)
        same &= equal(got, whole.select(slice(0, len(got)))) and (chunk == 1 or got_cache == cache)
    yield "prefill in chunks of 1, 7, 64, 100, 333, 512: hidden and cache", same


def _chunks(tokens: np.ndarray, size: int) -> list[np.ndarray]:
    return [tokens[first : first + size] for first in range(0, len(tokens), size)]


def check_splits(gpu: TritonBackend, whole: Hidden) -> Iterator[tuple[str, bool]]:
    same = True
    for splits in (1, 2, 3, 4, 8, 16, 32):
        gpu.splits = splits
        for parts in ([PROMPT, MORE[:1]], [PROMPT, MORE[:64]]):
            got, _ = run(gpu, parts, 1024)
            same &= equal(got, whole.select(slice(0, len(got))))
    gpu.splits = None
    yield "KV splits 1, 2, 3, 4, 8, 16, 32", same


def check_page_orders(gpu: TritonBackend, whole: Hidden, cache: str) -> Iterator[tuple[str, bool]]:
    same = True
    for seed in range(4):
        random.Random(seed).shuffle(gpu.pool.free)
        got, got_cache = run(gpu, [PROMPT, MORE], 1024)
        same &= equal(got, whole) and got_cache == cache
    yield "4 page orders", same


def check_prefixes(gpu: TritonBackend, whole: Hidden, cache: str) -> Iterator[tuple[str, bool]]:
    same, everything = True, np.concatenate((PROMPT, MORE))
    first = gpu.new_cache(1024)
    gpu.forward([Segment(first, everything)])
    for blocks in (1, 2, 5):
        again = gpu.new_cache(1024, [first.save_block(i) for i in range(blocks)])
        got = gpu.forward([Segment(again, everything[again.length :])])
        rows = slice(len(everything) - len(got), len(everything))
        same &= equal(got, whole.select(rows)) and again.sha256() == cache
    yield "1, 2, 5 blocks of a prefix from another sequence's cache", same


def check_batches(gpu: TritonBackend) -> Iterator[tuple[str, bool]]:
    prompts = [tokens(10 + i, 1 + (i * 37) % 190) for i in range(256)]
    alone = [steps(gpu, [prompt]) for prompt in prompts]
    for low in range(1, 257, 32):
        same = True
        for batch in range(low, low + 32):
            order = [(i + batch // 3) % batch for i in range(batch)]
            for step, got in enumerate(steps(gpu, [prompts[i] for i in order])):
                want = [alone[i][step] for i in order]
                same &= torch.equal(got.q, torch.cat([h.q for h in want]))
                same &= torch.equal(got.s, torch.cat([h.s for h in want]))
        yield f"batches of {low} to {low + 31} sequences, each at every position = alone", same


def check_exp2() -> Iterator[tuple[str, bool]]:
    yield "exp2 on every float32 in [-25, -0]", exp2_differences(of_32nds=False) == 0
    yield "attention's exp2 on every float32 in [-25, -0]", exp2_differences(of_32nds=True) == 0


def control() -> tuple[str, bool]:
    """How many of one row's bf16 logits change with the batch size, under plain torch: some must.

    On the 1.5B shape: cuBLAS may take one kernel for all batch sizes of the smaller one.
    """
    config = SHAPES["1.5B"]
    plain = PlainModel(random_weights(config), max(CONTROL_SIZES), CONTEXT + 1)
    with torch.inference_mode():
        distinct, changed = batch_variance(plain, CONTROL_SIZES, CONTEXT)
    text = f"{distinct} distinct rows over {len(CONTROL_SIZES)} batch sizes, up to {changed} logits changed"
    return f"negative control, bf16 torch: {text}", distinct > 1


def main() -> int:
    """Prints every check; the exit status is the number that failed."""
    weights = golden_weights()
    name = torch.cuda.get_device_name()
    print(f"{name}, torch {torch.__version__}, triton {triton.__version__}")
    print(f"weights {weights.sha256[:16]}")
    gpu = TritonBackend(weights, cache_positions=256 * 512 + 8192)
    whole, cache = run(gpu, [np.concatenate((PROMPT, MORE))], 1024)
    groups: dict[str, Callable[[], Iterator[tuple[str, bool]]]] = {
        "cpu": lambda: check_cpu_equals_gpu(gpu),
        "batches": lambda: check_batches(gpu),
        "queries": lambda: check_query_lengths(gpu, whole),
        "chunks": lambda: check_chunks(gpu, whole, cache),
        "splits": lambda: check_splits(gpu, whole),
        "pages": lambda: check_page_orders(gpu, whole, cache),
        "prefix": lambda: check_prefixes(gpu, whole, cache),
        "exp2": check_exp2,
        "tiny": lambda: ((check.name, check.passed) for check in check_goldens(TritonBackend)),
        "control": lambda: iter([control()]),
        "instructions": lambda: ((str(report), report.strict) for report in reports()),
    }
    failed, start = 0, time.monotonic()
    for group in sys.argv[1:] or groups:
        for text, passed in groups[group]():
            failed += not passed
            print("ok  " if passed else "FAIL", f"{time.monotonic() - start:4.0f} s", text, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
