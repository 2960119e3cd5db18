"""Speed of whole passes on a GPU, both sides in one run: `python -m evals.kernels.bench_passes`.

Exact int8 against plain bf16 torch (cuBLAS, SDPA), both replayed from CUDA graphs; passes as a server waits
for them; then the batch-invariant drop-in against the same plain model.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from evals.kernels.cases import CASES, CONTEXT, CONTROL_SIZES, backend_for, exact_pass, plain_pass
from evals.kernels.plain import PlainModel, batch_variance, random_weights
from evals.kernels.timing import captured, median_us
from kernels.backend import Segment
from kernels.gpu.backend import TritonBackend
from kernels.invariant import batch_invariant
from kernels.shapes import SHAPES


def bench_models() -> None:
    print("| shape | pass | exact int8, us | bf16 torch, us | bf16 / exact |\n|---|---|---|---|---|")
    for name in SHAPES:
        backend = backend_for(name)
        with torch.inference_mode():
            times = {case: median_us(captured(exact_pass(backend, *rest))) for case, *rest in CASES}
        del backend
        torch.cuda.empty_cache()
        weights = random_weights(SHAPES[name])
        for case, sequences, new, past in CASES:
            plain = PlainModel(weights, sequences, past + new)
            with torch.inference_mode():
                other = median_us(captured(plain_pass(plain, sequences, new, past)))
            del plain
            torch.cuda.empty_cache()
            ratio = other / times[case]
            print(f"| {name} | {case} | {times[case]:.0f} | {other:.0f} | {ratio:.2f} |", flush=True)


def bench_serving() -> None:
    """What a caller waits for, host included: one sequence's pass and its logits over 512 allowed ids."""
    backend = TritonBackend(random_weights(SHAPES["135M"]))
    start = time.monotonic()
    backend.warm_up()
    print(f"warm_up: {time.monotonic() - start:.1f} s")
    ids = np.arange(0, 49_152, 96)
    cache = backend.new_cache(4096)
    for new in (1, 16, 64, 200, 512, 1000, 2000):
        tokens, times = np.zeros(new, np.int64), []
        for _ in range(25):
            cache.length = 1024
            begin = time.monotonic()
            hidden = backend.forward([Segment(cache, tokens)])
            forward = time.monotonic()
            backend.logits(hidden, ids).cpu()
            times.append((time.monotonic() - begin, forward - begin))
        whole, host = sorted(times)[len(times) // 2]
        print(
            f"| {new} tokens after 1,024 | {1e6 * whole:.0f} us, of which host {1e6 * host:.0f} |", flush=True
        )


def bench_drop_in() -> None:
    """The batch-invariant mode on the bf16 model: distinct answers over batch sizes, and its cost."""
    config = SHAPES["1.5B"]
    weights = random_weights(config)
    plain = PlainModel(weights, max(CONTROL_SIZES), CONTEXT + 1)
    with torch.inference_mode():
        without, changed = batch_variance(plain, CONTROL_SIZES, CONTEXT)
        with batch_invariant():
            pinned_rows, _ = batch_variance(plain, CONTROL_SIZES, CONTEXT)
        print(
            f"drop-in: {pinned_rows} distinct rows over {len(CONTROL_SIZES)} batch sizes; "
            f"plain torch {without}, up to {changed} of {config.vocab_size} logits"
        )
        for case, sequences, new, past in CASES:
            if (case.startswith("prefill") and new != 2048) or case.startswith("verify"):
                continue
            model = PlainModel(weights, sequences, past + new)
            run = plain_pass(model, sequences, new, past)
            base = median_us(captured(run))
            with batch_invariant():
                replay = captured(run)
            pinned = median_us(replay)
            cost = 100 * (pinned / base - 1)
            print(f"drop-in, 1.5B {case}: {pinned:.0f} us, plain {base:.0f} us: {cost:+.0f} %")
            del model


def main() -> None:
    """Prints the tables."""
    torch.manual_seed(0)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    bench_models()
    bench_serving()
    bench_drop_in()


if __name__ == "__main__":
    main()
