"""The scheduler on one backend against the CPU, bit for bit: `python -m evals.kernels.check_scheduler`.

Edits of the applier's own files go through the scheduler at several numbers of callers, with a prefix cache
that earlier rounds have filled. Every answer must have the logits, by hash, that the same edit alone has on
the CPU. Without --model the weights are random, of the size of the default model, and the baseline's
proposal gets an endless head start, so that merges take the course that they take with a good model.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from applier import pipeline
from applier.engine.engine import Engine
from applier.engine.options import SchedulerOptions, StepReport
from applier.merge.confidence import ENDLESS
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptCodec, PromptTemplate
from applier.pipeline import Applier
from applier.request import Traced
from applier.types import EditFormat, EditOptions, EditRequest
from kernels.config import NUMERICS_VERSION
from kernels.model import BackendName, build_model
from kernels.selftest.tiny_models import tiny_tensors
from kernels.shapes import SHAPES
from kernels.weights import Weights, build_weights, load_weights


def edits(count: int, seed: int = 0) -> list[EditRequest]:
    """Lazy snippets that change a few lines in the middle of the applier's files."""
    rng = random.Random(seed)
    files = sorted(Path(pipeline.__file__).parent.rglob("*.py"))
    sources = [lines for file in files if 40 <= len(lines := file.read_text("utf-8").splitlines()) <= 400]
    out = []
    for number in range(count):
        lines = rng.choice(sources)
        start = rng.randrange(4, len(lines) - 12)
        changed = [line + f"  # {number}" if line.strip() else line for line in lines[start : start + 4]]
        shown = [*lines[start - 4 : start], *changed, *lines[start + 4 : start + 8]]
        marker = "# ... existing code ..."
        out.append(
            EditRequest(
                original="\n".join([*lines, ""]).encode(),
                edit="\n".join([marker, *shown, marker, ""]).encode(),
                path="x.py",
                format=EditFormat.LAZY,
                options=EditOptions(min_confidence=0.0),
            )
        )
    return out


def byte_tokenizer() -> str:
    """The text of a tokenizer that has the bytes and the special tokens of the prompt, and no merges."""
    template = PromptTemplate()
    special = list(dict.fromkeys(getattr(template, name) for name in PromptTemplate.__dataclass_fields__))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.add_special_tokens(special)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer.to_str()


def applier(weights: Weights, codec: PromptCodec, info: ModelInfo, backend: BackendName) -> Applier:
    """An Applier over weights in memory."""
    model = build_model(weights, backend)
    return Applier.from_engine(info, Engine(model, codec, head_start=info.head_start))


def open_model(folder: Path | None, tokenizer: Path | None) -> tuple[Weights, PromptCodec, ModelInfo]:
    """A model's folder, or random weights of the default model's shape."""
    if folder is not None:
        info = ModelInfo.read(folder)
        return load_weights(folder), PromptCodec.from_file(folder / "tokenizer.json", info.template), info
    codec = PromptCodec(tokenizer.read_text("utf-8") if tokenizer else byte_tokenizer())
    config = SHAPES["135M"]
    weights = build_weights(config, tiny_tensors(config))
    info = ModelInfo(
        folder=Path(),
        weights_sha256=weights.sha256,
        tokenizer_sha256=codec.sha256,
        numerics_version=NUMERICS_VERSION,
        threshold=0.0,
        template=PromptTemplate(),
        calibration=None,
        head_start=ENDLESS,
    )
    return weights, codec, info


def run(served: Applier, requests: Sequence[EditRequest], callers: int) -> tuple[list[Traced], float]:
    """Every request from one of `callers` threads; the results and the seconds."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(lambda one: served.trace_many([one], hash_logits=True)[0], requests))
    return found, time.perf_counter() - begin


def digests(traced: Traced) -> tuple[str, ...]:
    """What must be equal: the result, and the logits of every merge."""
    logits = (merge.logits_sha256 or "" for merge in traced.merges)
    return (traced.result.receipt.result_sha256, *logits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line of JSON for each number of callers; the exit status is 1 when any answer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backend", default="triton", choices=["cpu", "triton"])
    parser.add_argument("--model", type=Path, help="a model's folder")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json for random weights")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--edits", type=int, default=64, help="different edits")
    parser.add_argument("--compared", type=int, default=16, help="of them, edits that the CPU repeats alone")
    parser.add_argument("--repeats", type=int, default=4, help="times that each edit is asked, per row")
    given = parser.parse_args(arguments)

    weights, codec, info = open_model(given.model, given.tokenizer)
    requests = edits(given.edits)
    alone = applier(weights, codec, info, "cpu")
    wanted = [digests(alone.trace_many([one], hash_logits=True)[0]) for one in requests[: given.compared]]
    served = applier(weights, codec, info, given.backend)
    reports: list[StepReport] = []
    scheduler = served.start_scheduler(SchedulerOptions(), reports.append)
    assert scheduler is not None
    wrong = 0
    with closing(scheduler):
        run(served, requests, max(given.callers))  # compiles and captures what the rows will need
        for callers in given.callers:
            # A name of its own for each turn of an edit, so that only what is the same file is in the cache.
            asked = [
                replace(one, path=f"x{callers}_{turn}.py") if turn % 2 else one
                for turn in range(given.repeats)
                for one in requests
            ]
            reports.clear()
            found, seconds = run(served, asked, callers)
            steps = list(reports)
            same = [digests(one) for one in found]
            seen: dict[EditRequest, set[tuple[str, ...]]] = {}
            for one, digest in zip(asked, same, strict=True):
                seen.setdefault(one, set()).add(digest)
            differ = sum(len(each) > 1 for each in seen.values())
            differ += sum(seen[one] != {digest} for one, digest in zip(requests, wanted, strict=False))
            wrong += differ
            merged = sum(one.result.tokens.merged for one in found)
            passes = [step for step in steps if step.batch_merges]
            row = {
                "callers": callers,
                "edits": len(asked),
                "differing": differ,
                "compared_with_cpu": len(wanted),
                "seconds": round(seconds, 3),
                "merged_tokens_per_second": round(merged / seconds),
                "edits_per_second": round(len(asked) / seconds, 1),
                "passes_per_1000_merged_tokens": round(1e3 * len(passes) / merged, 2),
                "tokens_per_pass": round(sum(step.batch_tokens for step in passes) / len(passes)),
                "merges_per_pass": round(sum(step.batch_merges for step in passes) / len(passes), 1),
                "prompt_tokens": sum(step.prompt_tokens for step in steps),
                "prefix_hit_tokens": sum(step.prefix_hit_tokens for step in steps),
                "statuses": sorted({one.result.status.value for one in found}),
            }
            print(json.dumps(row), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
