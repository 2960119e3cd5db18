"""Turns mined pairs into shards of samples, one shard a repository, in parallel and resumable."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from applier.merge.prompt import PromptCodec
from training.corpus.mine import Pair, find_repository, iter_texts, load_pairs
from training.samples.encode import encode_case
from training.samples.shards import Sample, Samples, write_shard
from training.synth import SynthCase, generate
from training.synth.generate import seed_of

LONG_SHARE = (
    0.15  # share of the samples above `usual_tokens` that is kept: they cost the most and differ the least
)


@dataclass(frozen=True, slots=True)
class TokenizeSettings:
    """How cases become samples. `variants` cases are drawn from each pair; `jitter` draws the margins of
    windows, which serving keeps fixed.
    """

    tokenizer: Path
    roots: tuple[Path, ...]
    seed: int
    variants: int = 1
    max_tokens: int = 3072
    usual_tokens: int = 2048
    jitter: bool = True


def iter_cases(
    repository: Path, pairs: Sequence[Pair], seed: int, variants: int = 1
) -> Iterator[tuple[Pair, int, SynthCase]]:
    """Cases of a repository's pairs: a function of (commit, path, seed, variant)."""
    for pair, old, new in iter_texts(repository, list(pairs)):
        for variant in range(variants):
            number = seed_of(seed, pair.commit, pair.path, variant)
            case = generate(old, new, pair.path, pair.language, number, pair.subject)
            if case is not None:
                yield pair, number, case


def tokenize_index(index: Path, out: Path, settings: TokenizeSettings) -> int:
    """The samples of one repository's index into one shard; the number of samples. A shard that exists is
    kept. Beside it, `.jsonl` names every case in order, with `sample` null where it gave none. Raises
    GitError and PromptError.
    """
    if out.exists():
        return 0
    codec = PromptCodec.from_file(settings.tokenizer)
    pairs = load_pairs(index)
    samples: list[Sample] = []
    repository = find_repository(list(settings.roots), pairs[0].repository) if pairs else index
    names: list[str] = []
    for pair, number, case in iter_cases(repository, pairs, settings.seed, settings.variants):
        rng = random.Random(number)
        sample = encode_case(case, codec, rng if settings.jitter else None, settings.max_tokens)
        if sample is not None and len(sample.ids) > settings.usual_tokens and rng.random() > LONG_SHARE:
            continue
        names.append(_name_of(pair, number, case, None if sample is None else len(samples)))
        if sample is not None:
            samples.append(sample)
    out.with_suffix(".jsonl").write_text("".join(names), encoding="utf-8")
    if samples:
        write_shard(out, Samples.of(samples))
    return len(samples)


def _name_of(pair: Pair, number: int, case: SynthCase, sample: int | None) -> str:
    record = {
        "repository": pair.repository,
        "commit": pair.commit,
        "path": pair.path,
        "language": pair.language,
        "seed": number,
        "tags": case.tags,
        "sample": sample,
    }
    return json.dumps(record) + "\n"


def tokenize_folder(
    indices: Sequence[Path],
    out: Path,
    settings: TokenizeSettings,
    workers: int,
    done: Callable[[str, int], None],
) -> None:
    """All indices in `workers` processes; `done(name, samples)` after each."""
    out.mkdir(parents=True, exist_ok=True)
    targets = [out / f"{index.stem}.xz" for index in indices]
    if workers == 1:
        for index, target in zip(indices, targets, strict=True):
            done(index.stem, tokenize_index(index, target, settings))
        return
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(tokenize_index, index, target, settings)
            for index, target in zip(indices, targets, strict=True)
        ]
        for index, job in zip(indices, jobs, strict=True):
            done(index.stem, job.result())
