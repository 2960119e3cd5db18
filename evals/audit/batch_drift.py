"""Count the distinct outputs of identical greedy requests to a stock model as the batch size changes.

    python -m evals.audit.batch_drift --model DIR --gguf-file NAME.gguf --dtype bfloat16 --out DIR

Needs torch and transformers (and `gguf` for a GGUF file) and nothing else of this project except the metrics.
A small model may not drift at all: cuBLAS takes one kernel for all its batch sizes. Without a larger one at
hand, `--model evals/audit/shapes/qwen2.5-1.5b --random-weights 0` shows what that shape does on a device.
Every row of every batch has the same number of prompt tokens, so there is no padding: what changes is the
batch size, the row's place in it and the neighbours. Writes `samples.jsonl`, one line per output, after every
batch, and `summary.json` at the end, when the time is up, or when it is stopped (SIGTERM, Ctrl-C).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from evals.audit.prompts import AUDITED, TRAFFIC
from evals.audit.transformers_batch import BatchGenerator, Generation
from evals.metrics import distinct_outputs, div_index, divergence_positions, token_agreement

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
SMALL = 8  # batches up to this size hold so few copies that more of them are made


def schedule(total: int, sizes: tuple[int, ...] = SIZES, rounds: int = 2) -> list[tuple[int, int]]:
    """(batch size, copies of the audited request in it) of every batch; the copies add up to `total`.

    Half of each batch is neighbours. All sizes take turns, so that a run cut short has seen all of them;
    after `rounds` the small ones have as many turns again, and the largest makes up the rest.
    """
    turns = list(sizes) * rounds + [size for size in sizes if size <= SMALL] * rounds
    plan: list[tuple[int, int]] = []
    left = total
    while left:
        size = turns[len(plan)] if len(plan) < len(turns) else sizes[-1]
        plan.append((size, min(max(1, size // 2), left)))
        left -= plan[-1][1]
    return plan


def batch_rows(
    audited: list[int], neighbours: list[list[int]], size: int, copies: int, turn: int
) -> list[list[int]]:
    """One batch: the copies spread evenly over it, not at its front, and other prompts between them."""
    waiting = [neighbours[(turn + i) % len(neighbours)] for i in range(size - copies)]
    stride = size // copies
    return [
        audited if place % stride == 0 and place // stride < copies else waiting.pop()
        for place in range(size)
    ]


def _digest(generation: Generation) -> str:
    return hashlib.sha256(json.dumps(generation.tokens).encode()).hexdigest()


def measure(
    generator: BatchGenerator, prompt: int, arguments: argparse.Namespace, deadline: float
) -> Iterator[list[dict[str, Any]]]:
    """Samples of one audited prompt, batch by batch; no batch is begun that would end after `deadline`."""
    audited, *neighbours = generator.encode([AUDITED[prompt], *TRAFFIC], length=arguments.prompt_tokens)
    longest, taken = 0.0, 0
    for batch, (size, copies) in enumerate(schedule(arguments.total)):
        began = time.monotonic()
        if began + longest > deadline:
            print(f"prompt {prompt}: out of time after {taken} of {arguments.total} outputs", flush=True)
            return
        rows = batch_rows(audited, neighbours, size, copies, batch)
        generations = generator.generate(rows, arguments.new_tokens)
        taken += copies
        seconds = time.monotonic() - began
        longest = max(longest, seconds)
        progress = f"{taken} of {arguments.total} outputs"
        print(f"prompt {prompt} batch {batch} size {size}: {seconds:.1f} s, {progress}", flush=True)
        yield [
            {
                "prompt": prompt,
                "batch": batch,
                "batch_size": size,
                "row": place,
                "tokens": generation.tokens,
                "sha256": _digest(generation),
                "logits_sha256": generation.prefill_sha256,
                "top_logit": generation.prefill_top,
            }
            for place, (row, generation) in enumerate(zip(rows, generations, strict=True))
            if row is audited
        ]


def summarise(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Distinct outputs and logits over all samples of one prompt, and by batch size."""
    by_size: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        by_size[sample["batch_size"]].append(sample)
    runs = [tuple(sample["tokens"]) for sample in samples]
    alone = {sample["sha256"] for sample in by_size.get(1, [])}
    return {
        "n": len(samples),
        "distinct_outputs": distinct_outputs(s["sha256"] for s in samples),
        "distinct_prefill_logits": distinct_outputs(s["logits_sha256"] for s in samples),
        "top_logit_spread": max(s["top_logit"] for s in samples) - min(s["top_logit"] for s in samples),
        "div_index": div_index(runs) if len(runs) > 1 else None,
        "divergence_positions": divergence_positions(runs),
        "token_agreement": token_agreement(runs) if len(runs) > 1 else None,
        "by_batch_size": {
            str(size): {
                "n": len(group),
                "distinct_outputs": distinct_outputs(s["sha256"] for s in group),
                "distinct_prefill_logits": distinct_outputs(s["logits_sha256"] for s in group),
                "outputs_not_seen_alone": sum(s["sha256"] not in alone for s in group),
            }
            for size, group in sorted(by_size.items())
        },
    }


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="folder or Hugging Face id")
    parser.add_argument("--gguf-file", help="name of a GGUF file inside --model")
    parser.add_argument(
        "--random-weights", type=int, metavar="SEED", help="not trained: config.json is enough"
    )
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float16", "float32"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--prompts", type=int, default=1, help=f"audited prompts, up to {len(AUDITED)}")
    parser.add_argument("--total", type=int, default=1000, help="outputs per audited prompt")
    parser.add_argument("--prompt-tokens", type=int, default=48)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--max-seconds", type=float, default=130, help="loading included")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    arguments.prompts = min(arguments.prompts, len(AUDITED))
    return arguments


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def main(argv: list[str] | None = None) -> None:
    """Measure, write the two files and print the counts. Exits with 1 where nothing was measured."""
    started = time.monotonic()
    arguments = parse_arguments(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    generator = BatchGenerator(
        arguments.model, arguments.gguf_file, arguments.dtype, arguments.device, arguments.random_weights
    )
    generator.generate(generator.encode([TRAFFIC[0]], length=arguments.prompt_tokens), 2)
    print(f"{generator.name} is loaded after {time.monotonic() - started:.1f} s", flush=True)
    taken: dict[int, list[dict[str, Any]]] = defaultdict(list)
    try:
        with (arguments.out / "samples.jsonl").open("w", encoding="utf-8") as file:
            for prompt in range(arguments.prompts):
                now = time.monotonic()
                share = (arguments.max_seconds - (now - started)) / (arguments.prompts - prompt)
                for samples in measure(generator, prompt, arguments, now + share):
                    taken[prompt] += samples
                    file.writelines(json.dumps(sample) + "\n" for sample in samples)
                    file.flush()
    except KeyboardInterrupt:
        print("told to stop; summing up what there is", flush=True)
    if not taken:
        raise SystemExit("nothing was measured: there was no time left after loading the model")
    summary = _summary(arguments, generator, taken, time.monotonic() - started)
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    for text, result in summary["prompts"].items():
        print(
            f"{result['distinct_outputs']} distinct outputs of {result['n']}, "
            f"{result['distinct_prefill_logits']} distinct logits, "
            f"first divergence at token {result['div_index']}: {text}"
        )


def _summary(
    arguments: argparse.Namespace,
    generator: BatchGenerator,
    taken: dict[int, list[dict[str, Any]]],
    seconds: float,
) -> dict[str, Any]:
    import transformers

    on_gpu = arguments.device.startswith("cuda")
    return {
        "kind": "batch_drift",
        "target": f"transformers {transformers.__version__} {arguments.dtype}",
        "model": generator.name,
        "attention": generator.attention,
        "hardware": torch.cuda.get_device_name() if on_gpu else "CPU",
        "torch": torch.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "requested_per_prompt": arguments.total,
        "prompt_tokens": arguments.prompt_tokens,
        "new_tokens": arguments.new_tokens,
        "seconds": round(seconds, 1),
        "prompts": {AUDITED[prompt]: summarise(samples) for prompt, samples in taken.items()},
    }


if __name__ == "__main__":
    main()
