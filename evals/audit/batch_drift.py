"""Count the distinct outputs of identical greedy requests to a stock model as the batch size changes.

    python -m evals.audit.batch_drift --model DIR --gguf-file NAME.gguf --dtype bfloat16 --out DIR

Needs torch and transformers (and `gguf` for a GGUF file) and nothing else of this project but the metrics.
Every row of every batch has the same number of prompt tokens, so there is no padding: what changes is the
batch size, the row's place in it and the neighbours. Writes `samples.jsonl`, one line per output, and
`summary.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from evals.audit.prompts import AUDITED, TRAFFIC
from evals.audit.transformers_batch import BatchGenerator, Generation
from evals.metrics import distinct_outputs, div_index, divergence_positions, token_agreement

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def schedule(total: int, sizes: tuple[int, ...], most_batches: int = 4) -> list[tuple[int, int]]:
    """(batch size, copies of the audited request in it) of every batch; the copies add up to `total`.

    Half of each batch is neighbours. Every size gets an equal share of the outputs, in at most `most_batches`
    batches, since a batch of one takes as long as a batch of 256; the largest size takes what that leaves
    over. Sizes take turns, so that a run cut short has still seen all of them.
    """
    share = total // len(sizes)
    batches = {size: max(1, min(most_batches, -(-share // max(1, size // 2)))) for size in sizes}
    turns = [
        (size, max(1, size // 2)) for turn in range(most_batches) for size in sizes if batches[size] > turn
    ]
    plan: list[tuple[int, int]] = []
    left = total
    for size, copies in turns:
        plan.append((size, min(copies, left)))
        left -= plan[-1][1]
        if not left:
            return plan
    while left:
        plan.append((sizes[-1], min(sizes[-1] // 2, left)))
        left -= plan[-1][1]
    return plan


def _digest(generation: Generation) -> str:
    return hashlib.sha256(json.dumps(generation.tokens).encode()).hexdigest()


def measure(
    generator: BatchGenerator, prompt: int, arguments: argparse.Namespace, deadline: float
) -> list[dict[str, Any]]:
    """Samples of one audited prompt: one dict per output."""
    rows = generator.encode([AUDITED[prompt], *TRAFFIC], length=arguments.prompt_tokens)
    audited, neighbours = rows[0], rows[1:]
    samples: list[dict[str, Any]] = []
    for batch, (size, copies) in enumerate(schedule(arguments.total, SIZES)):
        if time.monotonic() > deadline:
            break
        fill = [neighbours[(batch + i) % len(neighbours)] for i in range(size - copies)]
        # The audited rows are spread over the batch, not put at its front.
        stride = size // copies
        batch_rows: list[list[int]] = []
        waiting = list(fill)
        for place in range(size):
            is_audited = place % stride == 0 and place // stride < copies
            batch_rows.append(audited if is_audited else waiting.pop())
        generations = generator.generate(batch_rows, arguments.new_tokens)
        for place, (row, generation) in enumerate(zip(batch_rows, generations, strict=True)):
            if row is audited:
                samples.append(
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
                )
        print(f"prompt {prompt} batch {batch} size {size}: {len(samples)} of {arguments.total}", flush=True)
    return samples


def summarise(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Distinct outputs and logits over all samples of one prompt, and by batch size."""
    by_size: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        by_size[sample["batch_size"]].append(sample)
    runs = [tuple(sample["tokens"]) for sample in samples]
    positions = divergence_positions(runs)
    return {
        "n": len(samples),
        "distinct_outputs": distinct_outputs(s["sha256"] for s in samples),
        "distinct_prefill_logits": distinct_outputs(s["logits_sha256"] for s in samples),
        "top_logit_spread": max(s["top_logit"] for s in samples) - min(s["top_logit"] for s in samples),
        "div_index": div_index(runs) if len(runs) > 1 else None,
        "divergence_positions": positions,
        "token_agreement": token_agreement(runs) if len(runs) > 1 else None,
        "by_batch_size": {
            str(size): {
                "n": len(group),
                "distinct_outputs": distinct_outputs(s["sha256"] for s in group),
                "distinct_prefill_logits": distinct_outputs(s["logits_sha256"] for s in group),
                "outputs_not_seen_alone": sum(
                    s["sha256"] not in {a["sha256"] for a in by_size.get(1, [])} for s in group
                ),
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
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float16", "float32"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--prompts", type=int, default=1, help=f"audited prompts, up to {len(AUDITED)}")
    parser.add_argument("--total", type=int, default=1000, help="outputs per audited prompt")
    parser.add_argument("--prompt-tokens", type=int, default=48)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--max-seconds", type=float, default=400)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure, write the two files and print the counts."""
    arguments = parse_arguments(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    generator = BatchGenerator(arguments.model, arguments.gguf_file, arguments.dtype, arguments.device)
    samples: list[dict[str, Any]] = []
    prompts: dict[str, Any] = {}
    for prompt in range(min(arguments.prompts, len(AUDITED))):
        share = (arguments.max_seconds - (time.monotonic() - started)) / (arguments.prompts - prompt)
        taken = measure(generator, prompt, arguments, time.monotonic() + share)
        if taken:
            samples += taken
            prompts[AUDITED[prompt]] = summarise(taken)
    import transformers

    summary = {
        "kind": "batch_drift",
        "target": f"transformers {transformers.__version__} {arguments.dtype}",
        "model": generator.name,
        "hardware": torch.cuda.get_device_name() if arguments.device.startswith("cuda") else "CPU",
        "torch": torch.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "requested_per_prompt": arguments.total,
        "prompt_tokens": arguments.prompt_tokens,
        "new_tokens": arguments.new_tokens,
        "seconds": round(time.monotonic() - started, 1),
        "prompts": prompts,
    }
    with (arguments.out / "samples.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(sample) + "\n" for sample in samples)
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    for text, result in prompts.items():
        print(
            f"{result['distinct_outputs']} distinct outputs of {result['n']}, "
            f"{result['distinct_prefill_logits']} distinct logits, "
            f"first divergence at token {result['div_index']}: {text}"
        )


if __name__ == "__main__":
    main()
