"""transformers' own `generate` on the same weights and the same prompts, with and without prompt lookup.

Greedy, static batches, left padding: what a user of transformers gets without further work. Every row of a
batch is made to write as many tokens as its batch's longest window, and is counted with the length of its
own. The first prompts of the load are audited: they are part of every batch, amid changing neighbours, and
the number of their distinct outputs over all batches is reported. Needs torch and transformers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from applier.merge.model_info import MANIFEST_FILE
from evals.bench.dequantised import open_dequantised
from evals.bench.harness.load import Load, MergeIds
from evals.bench.harness.record import Row, record, tell

# transformers would take a folder named `kernels` on sys.path for the Hub's package of that name.
os.environ.setdefault("USE_HUB_KERNELS", "0")

AUDITED = 2
BATCHES = (1, 4, 16, 64, 256)


class Rival(NamedTuple):
    """A stock model, and what it is."""

    name: str
    model: Any


def open_rival(
    model: str, gguf_file: str | None, adapter: str | None, dtype: str, device: str | None
) -> Rival:
    """A model from a Hugging Face folder or id, from a GGUF file in a folder, or with the weights of a folder
    that samebytes serves; with a peft adapter merged into it where one is given. Without a device: CUDA where
    there is one.
    """
    import transformers
    from transformers import AutoModelForCausalLM

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")

    extra: dict[str, Any] = {"gguf_file": gguf_file} if gguf_file else {}
    loaded: Any
    name = gguf_file or Path(model).name
    if (Path(model) / MANIFEST_FILE).is_file():
        loaded = open_dequantised(Path(model), getattr(torch, dtype))
    else:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype), **extra)
    if adapter:
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(loaded, adapter).merge_and_unload()
        name += f" with {Path(adapter).name}"
    described = f"transformers {transformers.__version__} generate, {dtype}, {name}"
    return Rival(described, loaded.to(device).eval())


def merges_of(load: Load, most_prompt: int) -> list[MergeIds]:
    """The merges of the load with a prompt of at most so many tokens. Raises ValueError for none."""
    merges = [merge for edit in load.edits for merge in edit.merges if len(merge.prompt) <= most_prompt]
    if len(merges) <= AUDITED:
        raise ValueError(f"the load has {len(merges)} merges with such short prompts; prepare a larger one")
    return merges


@torch.inference_mode()
def generate(
    model: Any, merges: Sequence[MergeIds], most_new: int, lookup: int | None
) -> list[tuple[int, ...]]:
    """The tokens that the model writes after each prompt, cut to the length of its answer."""
    lengths = [min(most_new, len(merge.answer)) for merge in merges]
    longest = max(len(merge.prompt) for merge in merges)
    device = model.device
    ids = torch.tensor([[0] * (longest - len(m.prompt)) + list(m.prompt) for m in merges], device=device)
    mask = torch.tensor(
        [[0] * (longest - len(m.prompt)) + [1] * len(m.prompt) for m in merges], device=device
    )
    extra: dict[str, Any] = {"prompt_lookup_num_tokens": lookup} if lookup else {}
    written = model.generate(
        input_ids=ids,
        attention_mask=mask,
        do_sample=False,
        max_new_tokens=max(lengths),
        min_new_tokens=max(lengths),
        pad_token_id=0,
        **extra,
    )[:, longest:].tolist()
    return [tuple(row[:length]) for row, length in zip(written, lengths, strict=True)]


def bench_rival(
    model: Any,
    merges: Sequence[MergeIds],
    sizes: Sequence[int],
    most_new: int,
    lookup: int,
    seconds: float,
    told: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """A row for each batch size, and one for prompt lookup, which transformers offers for batches of one.

    Each row takes one batch for every audited prompt and more until `seconds` are over. The last entry is of
    the audited prompts over all batches.
    """
    audited, others = merges[:AUDITED], merges[AUDITED:]
    outputs: list[set[tuple[int, ...]]] = [set() for _ in audited]
    by_lookup: list[set[tuple[int, ...]]] = [set() for _ in audited]
    generate(model, merges[:2], min(8, most_new), None)  # what is set up at the first call
    rows: list[Row] = []
    for size, given in [*((size, None) for size in sizes), (1, lookup)]:
        tokens = batches = 0
        busy = 0.0
        seen = by_lookup if given else outputs
        here: list[set[tuple[int, ...]]] = [set() for _ in audited]
        while batches < AUDITED or busy < seconds:
            turn = batches % AUDITED
            neighbours = [others[(batches * size + i) % len(others)] for i in range(size - 1)]
            place = (batches * 7) % size  # the audited row moves through the batch
            batch = [*neighbours[:place], audited[turn], *neighbours[place:]]
            _wait(model)
            began = time.perf_counter()
            written = generate(model, batch, most_new, given)
            _wait(model)
            busy += time.perf_counter() - began
            batches += 1
            tokens += sum(len(row) for row in written)
            here[turn].add(written[place])
            seen[turn].add(written[place])
        rows.append(
            {
                "decoding": f"prompt lookup, {given} tokens" if given else "greedy",
                "batch": size,
                "batches": batches,
                "tokens": tokens,
                "seconds": round(busy, 3),
                "window_tokens_per_second": round(tokens / busy, 1),
                "distinct_outputs_per_prompt": max(len(found) for found in here),
                "distinct_outputs_per_prompt_so_far": max(len(found) for found in outputs),
            }
        )
        if given:
            differs = [a != b for a, b in zip(by_lookup, outputs, strict=True)]
            rows[-1]["prompts_that_lookup_changes"] = sum(differs)
        told(rows[-1])
    return rows


def _wait(model: Any) -> None:
    if model.device.type == "cuda":
        torch.cuda.synchronize()


def run_rival(
    rival: Rival,
    load: Load,
    sizes: Sequence[int],
    most_new: int,
    most_prompt: int,
    lookup: int,
    seconds: float,
) -> dict[str, Any]:
    """The record of `bench_rival`, whose rows are reported as they come."""
    merges = merges_of(load, most_prompt)
    rows = bench_rival(rival.model, merges, sizes, most_new, lookup, seconds, tell)
    settings = {"load": load.source, "prompts": len(merges), "new_tokens": most_new}
    return record("rival", rival.name, settings | {"most_prompt": most_prompt}, rows)
