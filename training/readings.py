"""Fits the weights that choose among readings of an edit: `applier/alignment/weights.json`.

    python -m training.readings --shards TRAIN --check VALIDATION --tokenizer TOKENIZER --out WEIGHTS

A conditional logit (McFadden 1974) over the readings of each edit, then a logistic regression for whether the
chosen reading is right. Edits that the first setting reads as meant are many and teach little: a share of
them is taken, with that much more weight.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from applier.alignment.costs import SETTINGS
from applier.alignment.judge import CAP, Judge, signs_of_trust
from applier.alignment.likeness import Likeness
from applier.alignment.readings import Reading, readings
from applier.alignment.scene import Scene
from applier.alignment.table import align_lines
from applier.alignment.writing import write
from applier.formats import EditParseError, LazySnippet, parse_edit
from applier.prompt import PromptCodec
from applier.window import GAP
from training.unshard import Decoded, decode_shard

SHARE = 40  # one in so many of the edits that the first setting reads as meant
RIDGE = 1e-3
THOUSANDTHS = 1000
# What mined edits hardly teach, in thousandths of a logit: no file defines one thing twice at its top level,
# and of a long deletion one is better too unsure.
FIXED_CHOICE = {"doubled_heads": -2000}
FIXED_TRUST = {"mass_deletions": -2000, "doubled_heads": -1000}


@dataclass(frozen=True, slots=True)
class Judged:
    """One edit: its readings' evidence, which of them are right, and how many edits it stands for."""

    readings: tuple[Reading, ...]
    right: tuple[bool, ...]
    weight: float


def scene_of(sample: Decoded) -> Scene | None:
    """The scene of a lazy edit; None for other formats, and where the window shows nothing."""
    try:
        edit = parse_edit("\n".join(sample.edit) + "\n", path=sample.name, language=sample.language)
    except EditParseError:
        return None
    if not isinstance(edit, LazySnippet) or all(item is GAP for item in sample.items):
        return None
    return Scene.of(sample.items, edit.lines, sample.language, edit.markers)


def judged(shards: Sequence[Path], codec: PromptCodec, share: int = SHARE) -> Iterator[Judged]:
    """The lazy edits of shards, in order; see the module for `share`."""
    for shard in shards:
        easy = 0
        for sample in decode_shard(shard, codec):
            scene = scene_of(sample)
            if scene is None:
                continue
            first = write(scene, align_lines(scene, Likeness.of(scene), SETTINGS[0]))
            hard = first != sample.merged
            easy += not hard
            if hard or easy % share == 0:
                found = tuple(readings(scene, SETTINGS))
                right = tuple(reading.merged == sample.merged for reading in found)
                slim = tuple(Reading([], reading.evidence) for reading in found)
                yield Judged(slim, right, 1.0 if hard else float(share))


def fit_choice(cases: Sequence[Judged]) -> dict[str, int]:
    """Weights of evidence, in thousandths of a logit. Raises ValueError where no edit has a choice."""
    taught = [case for case in cases if any(case.right) and not all(case.right)]
    if not taught:
        raise ValueError("no edit has both a right and a wrong reading; take more shards")
    known = {name for case in taught for reading in case.readings for name in reading.evidence}
    names = sorted(known - FIXED_CHOICE.keys())
    fixed = Judge(FIXED_CHOICE, {})
    given = [fixed.score(reading.evidence) / THOUSANDTHS for case in taught for reading in case.readings]
    offset = torch.tensor(given, dtype=torch.float64)
    rows = [[_counts(reading.evidence, names) for reading in case.readings] for case in taught]
    x = torch.tensor(np.concatenate(rows), dtype=torch.float64)
    of = torch.tensor([number for number, case in enumerate(taught) for _ in case.readings])
    right = torch.tensor([right for case in taught for right in case.right], dtype=torch.float64)
    weight = torch.tensor([case.weight for case in taught], dtype=torch.float64)
    scale = x.std(0) + 1e-6

    def loss(beta: torch.Tensor) -> torch.Tensor:
        score = (x / scale) @ beta + offset
        top = torch.full((len(taught),), -1e9, dtype=torch.float64)
        top = top.scatter_reduce(0, of, score.detach(), "amax")
        share = torch.exp(score - top[of])
        everything = torch.zeros(len(taught), dtype=torch.float64).index_add(0, of, share)
        meant = torch.zeros(len(taught), dtype=torch.float64).index_add(0, of, share * right)
        return -(weight * torch.log((meant + 1e-12) / everything)).sum() / weight.sum()

    return {**_thousandths(names, _minimise(loss, len(names)) / scale), **FIXED_CHOICE}


def fit_trust(cases: Sequence[Judged], choice: Mapping[str, int]) -> dict[str, int]:
    """Weights of the signs that the chosen reading is right, in thousandths of a logit."""
    judge = Judge(choice, {})
    signs, right = [], []
    for case in cases:
        scores = [judge.score(reading.evidence) for reading in case.readings]
        best = scores.index(max(scores))
        signs.append(signs_of_trust(case.readings, scores, best))
        right.append(float(case.right[best]))
    known = {name for row in signs for name in row if not name.startswith("by_")}
    names = sorted(known - FIXED_TRUST.keys())
    given = [sum(value * row[name] for name, value in FIXED_TRUST.items()) / THOUSANDTHS for row in signs]
    offset = torch.tensor(given, dtype=torch.float64)
    x = torch.tensor([[row[name] for name in names] for row in signs], dtype=torch.float64)
    y = torch.tensor(right, dtype=torch.float64)
    weight = torch.tensor([case.weight for case in cases], dtype=torch.float64)
    scale = x.std(0) + 1e-6
    scale[names.index("sure")] = 1.0

    def loss(beta: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            (x / scale) @ beta + offset, y, weight=weight / weight.mean()
        )

    return {**_thousandths(names, _minimise(loss, len(names)) / scale), **FIXED_TRUST}


def _counts(evidence: Mapping[str, int], names: Sequence[str]) -> list[int]:
    return [min(evidence.get(name, 0), CAP) for name in names]


def _minimise(loss, size: int) -> torch.Tensor:
    beta = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([beta], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(beta) + RIDGE * (beta**2).sum()
        value.backward()
        return value

    optimiser.step(closure)
    return beta.detach()


def _thousandths(names: Sequence[str], values: torch.Tensor) -> dict[str, int]:
    found = {name: round(float(value) * THOUSANDTHS) for name, value in zip(names, values, strict=True)}
    return {name: value for name, value in found.items() if value}


def report(cases: Sequence[Judged], judge: Judge) -> dict[str, float]:
    """Shares of edits that the first setting, the judge, and any reading has right; the AUC of the odds."""
    weight = np.array([case.weight for case in cases])
    chosen, odds = [], []
    for case in cases:
        verdict = judge.choose(case.readings)
        chosen.append(case.right[next(n for n, r in enumerate(case.readings) if r is verdict.reading)])
        odds.append(verdict.odds)
    first = [
        any(ok and reading.evidence["by_0"] for ok, reading in zip(case.right, case.readings, strict=True))
        for case in cases
    ]
    share = {
        "first_setting": first,
        "chosen": chosen,
        "any_reading": [any(case.right) for case in cases],
    }
    out = {name: float((weight * np.array(hits)).sum() / weight.sum()) for name, hits in share.items()}
    return {"edits": float(weight.sum()), **out, "auc": auc(np.array(odds), np.array(chosen), weight)}


def auc(score: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """Probability that a right case scores above a wrong one, ties counting half; 0.5 with one side empty."""
    order = np.argsort(score, kind="stable")
    score, good, bad = score[order], (weight * right)[order], (weight * ~right.astype(bool))[order]
    if not good.sum() or not bad.sum():
        return 0.5
    _, group = np.unique(score, return_inverse=True)
    good, bad = np.bincount(group, good), np.bincount(group, bad)
    below = np.cumsum(bad) - bad / 2
    return float((good * below).sum() / (good.sum() * bad.sum()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the weights and prints what they reach, also on shards that they were not fitted on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--share", type=int, default=SHARE)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    codec = PromptCodec.from_file(given.tokenizer)
    cases = list(judged(sorted(given.shards.glob("*.xz")), codec, given.share))
    choice = fit_choice(cases)
    judge = Judge(choice, fit_trust(cases, choice))
    given.out.write_text(json.dumps({"choice": judge.choice, "trust": judge.trust}, indent=1) + "\n")
    print(json.dumps({"fitted": report(cases, judge)}, indent=1))
    if given.check:
        held = list(judged(sorted(given.check.glob("*.xz")), codec, 1))
        print(json.dumps({"check": report(held, judge)}, indent=1))


if __name__ == "__main__":
    main()
