"""Fits the weights that choose among readings of an edit: `applier/align/weights.json`.

    python -m training.calibration.ranker --index TRAIN --root CLONES --check VALIDATION --out WEIGHTS

A conditional logit (McFadden 1974) over the readings of each edit, then a logistic regression for whether the
chosen reading is right. The choices that the second learns from are made with weights fitted on other
repositories: on the repositories it was fitted on, the judge is overconfident.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from applier.align.ranker import Judge, forms
from training.calibration.ranker_cases import Judged, judged

SHARE = 8
PAIRS = 260
SEED = 51
FOLDS = 3
RIDGE = 1e-3
TRUST_RIDGE = 1e-2
FAR_WEIGHT = 8.0  # of a choice that changes lines far from the true edit; 1 for any other
CONSTANT = 1e-3  # standard deviation of a feature that carries no information
THOUSANDTHS = 1000
# What mined edits rarely teach, in thousandths of a logit: no file defines one thing twice at its top level,
# and it is better to be too unsure of a long deletion.
FIXED_CHOICE = {"doubled_heads": -2000}
FIXED_TRUST = {"mass_deletions": -2000, "doubled_heads": -1000}


def fit_choice(cases: Sequence[Judged]) -> dict[str, int]:
    """Weights of evidence, in thousandths of a logit. Raises ValueError where no edit has a choice."""
    taught = [case for case in cases if any(case.right) and not all(case.right)]
    if not taught:
        raise ValueError("no edit has both a right and a wrong reading; take more shards")
    known = {name for case in taught for reading in case.readings for name in forms(reading.evidence)}
    names = sorted(name for name in known if not name.endswith(tuple(FIXED_CHOICE)))
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

    return {**_thousandths(names, _minimise(loss, len(names), RIDGE) / scale), **FIXED_CHOICE}


def fit_trust(cases: Sequence[Judged], folds: int = FOLDS) -> dict[str, int]:
    """Weights of the signs that the chosen reading is right, in thousandths of a logit. Choices that do not
    parse are left out: they are refused whatever their odds.
    """
    signs: list[Mapping[str, int]] = []
    right: list[float] = []
    weights: list[float] = []
    order = {name: number % folds for number, name in enumerate(sorted({case.repository for case in cases}))}
    for fold in range(folds):
        others = [case for case in cases if order[case.repository] != fold]
        judge = Judge(fit_choice(others if _teaches(others) else cases), {})
        for case in cases:
            if order[case.repository] != fold:
                continue
            best, found = judge.weigh(case.readings, case.is_sound, case.lead)
            if case.is_sound(best.merged):
                signs.append(found)
                right.append(float(case.is_right(best)))
                weights.append(case.weight * (FAR_WEIGHT if case.is_far(best) else 1.0))
    known = {name for row in signs for name in row if not name.startswith("by_")}
    spread = {name: float(np.std([row.get(name, 0) for row in signs])) for name in known}
    telling = {name for name in known if spread[name] > CONSTANT} | {"sure"}
    names = sorted(telling - FIXED_TRUST.keys())
    given = [
        sum(value * row.get(name, 0) for name, value in FIXED_TRUST.items()) / THOUSANDTHS for row in signs
    ]
    offset = torch.tensor(given, dtype=torch.float64)
    x = torch.tensor([[row.get(name, 0) for name in names] for row in signs], dtype=torch.float64)
    y = torch.tensor(right, dtype=torch.float64)
    weight = torch.tensor(weights, dtype=torch.float64)
    scale = x.std(0) + 1e-6
    scale[names.index("sure")] = 1.0

    def loss(beta: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            (x / scale) @ beta + offset, y, weight=weight / weight.mean()
        )

    return {**_thousandths(names, _minimise(loss, len(names), TRUST_RIDGE) / scale), **FIXED_TRUST}


def _teaches(cases: Sequence[Judged]) -> bool:
    return any(any(case.right) and not all(case.right) for case in cases)


def _counts(evidence: Mapping[str, int], names: Sequence[str]) -> list[int]:
    known = forms(evidence)
    return [known.get(name, 0) for name in names]


def _minimise(loss: Callable[[torch.Tensor], torch.Tensor], size: int, ridge: float) -> torch.Tensor:
    beta = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([beta], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(beta) + ridge * (beta**2).sum()
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
    verdicts = [judge.choose(case.readings, case.is_sound, case.lead) for case in cases]
    chosen = [case.is_right(verdict.reading) for case, verdict in zip(cases, verdicts, strict=True)]
    odds = [verdict.odds for verdict in verdicts]
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
    """Writes the weights and prints what they reach, also on repositories that they were not fitted on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--root", type=Path, action="append", required=True)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--share", type=int, default=SHARE)
    parser.add_argument("--choice", type=Path, help="weights.json whose weights of choice are kept")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    cases = list(judged(given.index, given.root, given.seed, given.pairs, given.share))
    kept = json.loads(given.choice.read_text("utf-8"))["choice"] if given.choice else None
    judge = Judge(kept or fit_choice(cases), fit_trust(cases))
    given.out.write_text(json.dumps({"choice": judge.choice, "trust": judge.trust}, indent=1) + "\n")
    print(json.dumps({"fitted": report(cases, judge)}, indent=1))
    if given.check:
        held = list(judged(given.check, given.root, given.seed, given.pairs, 1))
        print(json.dumps({"check": report(held, judge)}, indent=1))


if __name__ == "__main__":
    main()
