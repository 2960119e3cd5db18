"""The exact int8 model beside the same base and adapter in floating point, by teacher-forced exact match.

    python -m evals.kernels.parity --base BASE.gguf --adapter ADAPTER --model FOLDER \
        --samples SHARDS --out FILE

FOLDER holds the int8 container that base and adapter give. The float model is transformers' own
Llama with W + delta, cast once, and transformers' own attention. `--save` keeps it as a Hugging Face folder.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("USE_HUB_KERNELS", "0")  # a folder named `kernels` looks like that package

import torch

from evals.metrics.intervals import wilson
from kernels.arrays import as_numpy
from kernels.derive.adapter import Adapter, load_adapter
from kernels.derive.checkpoint import Checkpoint, hf_name, open_checkpoint
from kernels.model import Model, Segment, load_model
from training.lora.lora_model import NORMS, PROJECTIONS, hf_config
from training.samples.shards import Samples, read_folder

BATCH_TOKENS = 16_384
_PARTS = (*NORMS, *PROJECTIONS)  # of a layer


def float_model(base: Checkpoint, adapter: Adapter | None, dtype: torch.dtype) -> Any:
    """transformers' LlamaForCausalLM of the base with the adapter merged in float64, then cast to `dtype`."""
    from transformers import LlamaForCausalLM

    config = hf_config(base.config)
    config._attn_implementation = "sdpa"
    made: Any = LlamaForCausalLM(config)
    model = made.to(dtype)
    factors, norms = (adapter.factors, adapter.norms) if adapter else ({}, {})

    parameters = dict(model.named_parameters())
    layers = range(base.config.num_layers)
    for name in ("embed", "final_norm", *(f"layers.{i}.{part}" for i in layers for part in _PARTS)):
        value = torch.from_numpy(norms[name] if name in norms else base.tensor(name))
        if name in factors:
            value = value.double() + torch.from_numpy(factors[name].delta())
        parameters[hf_name(name)].data.copy_(value)
    model.tie_weights()
    return model.eval()


def batches(samples: Samples) -> Iterator[list[int]]:
    """Sample numbers, shortest first, as many together as fit `BATCH_TOKENS` once padded."""
    some: list[int] = []
    for number in samples.lengths.argsort(kind="stable").tolist():
        if some and (len(some) + 1) * int(samples.lengths[number]) > BATCH_TOKENS:
            yield some
            some = []
        some.append(number)
    if some:
        yield some


@torch.inference_mode()
def float_exact(model: Any, samples: Samples, device: str) -> list[bool]:
    """Whether the argmax is right at every position of the answer, for each sample; padded on the right."""
    exact = [False] * len(samples)
    ends = samples.lengths.cumsum()
    for some in batches(samples):
        longest = int(samples.lengths[some].max())
        ids = torch.zeros(len(some), longest, dtype=torch.int64)
        for row, number in enumerate(some):
            end, size = int(ends[number]), int(samples.lengths[number])
            ids[row, :size] = torch.from_numpy(samples.ids[end - size : end].astype("int64"))
        ids = ids.to(device)
        hidden = model.model(ids).last_hidden_state
        for row, number in enumerate(some):
            given, size = int(samples.prompt_lengths[number]), int(samples.lengths[number])
            best = model.lm_head(hidden[row, given - 1 : size - 1]).argmax(-1)
            exact[number] = bool((best == ids[row, given:size]).all())
    return exact


def int8_exact(model: Model, samples: Samples) -> list[bool]:
    """As `float_exact`, by the exact model."""
    exact = []
    ends = samples.lengths.cumsum()
    for number in range(len(samples)):
        end, size = int(ends[number]), int(samples.lengths[number])
        ids = samples.ids[end - size : end].astype("int64")
        given = int(samples.prompt_lengths[number])
        hidden = model.forward([Segment(model.new_cache(size), ids)])
        best = as_numpy(model.argmax(hidden, slice(given - 1, size - 1)))
        exact.append(bool((best == ids[given:]).all()))
    return exact


def interval(exact: Sequence[bool]) -> list[float]:
    """Wilson's 95 % interval of the share."""
    found = wilson(sum(exact), len(exact))
    return [found.low, found.high]


def take(samples: Samples, limit: int | None) -> Samples:
    """The first `limit` samples."""
    if limit is None or limit >= len(samples):
        return samples
    tokens, decisions = int(samples.lengths[:limit].sum()), int(samples.decision_counts[:limit].sum())
    return Samples(
        samples.ids[:tokens],
        samples.lengths[:limit],
        samples.prompt_lengths[:limit],
        samples.decisions[:decisions],
        samples.decision_counts[:limit],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes and prints both rates with their intervals, and on how many samples they differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--save", type=Path, help="folder for the float model")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    samples = take(read_folder(given.samples), given.limit)
    adapter = load_adapter(given.adapter) if given.adapter else None
    other = float_model(open_checkpoint(given.base), adapter, getattr(torch, given.dtype))
    if given.save:
        other.save_pretrained(given.save)
    floats = float_exact(other.to(device), samples, device)
    del other
    ours = int8_exact(load_model(given.model), samples)
    count = len(samples)
    report = {
        "samples": count,
        "device": device,
        "dtype": given.dtype,
        "int8_exact": sum(ours) / count,
        "int8_interval": interval(ours),
        "float_exact": sum(floats) / count,
        "float_interval": interval(floats),
        "differ": sum(a != b for a, b in zip(ours, floats, strict=True)),
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
