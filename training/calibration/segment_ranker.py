"""Fits the trees of `applier.align.segments.ranker`: which reading of a segment is right, and how sure that
is.

    python -m training.calibration.segment_ranker --cases CASES.jsonl [--cases MORE.jsonl=4] --out
    applier/align/segments/ranker.json

CASES are JSON lines with `repository`, `path`, `original`, `edit`, `result` and `instruction`; "=4" counts
each of its edits four times. Readings of a segment compete in a softmax over their scores, so that only
differences count. Whether the best is right is fitted on scores that were cross-fitted by repository: a
ranker is too sure of what it has learned from. Leaves are rounded to thousandths of a logit and thresholds
between integers down, so that serving adds integers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from rich.progress import track

from applier.align.segments.ranker import signs_of_trust
from training.calibration.labelled import Labelled, label, request_of

FOLDS = 5
CHOICE = {
    "num_leaves": 31,
    "learning_rate": 0.1,
    "min_data_in_leaf": 30,
    "lambda_l2": 3.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "min_sum_hessian_in_leaf": 1.0,
    "max_bin": 63,
    "seed": 7,
    "verbose": -1,
    "deterministic": True,
    "num_threads": 1,
}
TRUST = CHOICE | {
    "objective": "binary",
    "boost_from_average": False,
    "num_leaves": 11,
    "learning_rate": 0.05,
    "min_data_in_leaf": 60,
    "lambda_l2": 10.0,
}
CHOICE_ROUNDS, TRUST_ROUNDS = 200, 120
Weighed = tuple[Labelled, float]


def softmax_objective(
    counts: np.ndarray, weights: np.ndarray
) -> Callable[[np.ndarray, lightgbm.Dataset], tuple[np.ndarray, np.ndarray]]:
    """Gradient and Hessian of -log P(some right reading) per segment. `counts` int64 [segments] are its
    readings, `weights` float64 [segments]. A segment without a right reading teaches nothing.
    """
    segment_of = np.repeat(np.arange(len(counts)), counts)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def objective(scores: np.ndarray, data: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
        right = data.get_label() > 0
        powers = np.exp(scores - np.maximum.reduceat(scores, starts)[segment_of])
        share = powers / np.add.reduceat(powers, starts)[segment_of]
        wanted = np.where(right, powers, 0)
        total = np.add.reduceat(wanted, starts)[segment_of]
        learns = total > 0
        target = np.where(learns, wanted / np.maximum(total, 1e-30), 0)
        weight = weights[segment_of]
        gradient = np.where(learns, share - target, 0) * weight
        hessian = np.where(learns, np.maximum(share * (1 - share), 1e-3), 1e-6) * weight
        return gradient, hessian

    return objective


def flatten(booster: lightgbm.Booster, names: Sequence[str]) -> dict[str, list[Any]]:
    """The trees as `applier.align.segments.trees.Trees.from_json` reads them."""
    out: dict[str, list[Any]] = {"names": list(names)}
    for name in ("roots", "feature", "threshold", "left", "right", "values"):
        out[name] = []

    def add(node: dict[str, Any]) -> int:
        if "split_feature" not in node:
            out["values"].append(round(node["leaf_value"] * 1000))
            return ~(len(out["values"]) - 1)
        at = len(out["feature"])
        out["feature"].append(node["split_feature"])
        out["threshold"].append(int(np.floor(node["threshold"])))
        out["left"].append(0)
        out["right"].append(0)
        out["left"][at], out["right"][at] = add(node["left_child"]), add(node["right_child"])
        return at

    for tree in booster.dump_model()["tree_info"]:
        out["roots"].append(add(tree["tree_structure"]))
    return out


def fit(edits: Sequence[Weighed], rounds: tuple[int, int] = (CHOICE_ROUNDS, TRUST_ROUNDS)) -> dict[str, Any]:
    """The content of `ranker.json`. Raises ValueError where nothing can be learned."""
    segments = [(edit, weight, one) for edit, weight in edits for one in edit.segments]
    if not any(one.right.any() for _, _, one in segments):
        raise ValueError("no segment has a right reading")
    names = segments[0][0].names
    repositories = sorted({edit.repository for edit, _ in edits})
    fold_of = {repository: at % FOLDS for at, repository in enumerate(repositories)}
    folds = np.array([fold_of[edit.repository] for edit, _, _ in segments])
    weights = np.array([weight for _, weight, _ in segments])
    signs: list[dict[str, int]] = []
    right: list[bool] = []
    order: list[int] = []
    for fold in range(FOLDS):
        if not (folds != fold).any() or not (folds == fold).any():
            continue
        model = _fit_choice(
            [segments[at][2] for at in np.flatnonzero(folds != fold)], weights[folds != fold], rounds[0]
        )
        for at in np.flatnonzero(folds == fold):
            edit, _, one = segments[at]
            scores = np.rint(model.predict(one.rows.astype(np.float32), num_threads=1) * 1000).astype(int)
            best = np.argsort(-scores, kind="stable")
            row = dict(zip(names, one.rows[best[0]].tolist(), strict=True))
            signs.append(signs_of_trust(row, scores[best].tolist(), edit.lead))
            right.append(bool(one.right[best[0]]))
            order.append(int(at))
    choice = _fit_choice([one for _, _, one in segments], weights, rounds[0])
    trusted = tuple(sorted(signs[0]))
    table = np.array([[row[name] for name in trusted] for row in signs], np.float32)
    data = lightgbm.Dataset(table, np.array(right, np.float32), weight=weights[order])
    trust = lightgbm.train(TRUST, data, rounds[1])
    return {"choice": flatten(choice, names), "trust": flatten(trust, trusted)}


def _fit_choice(segments: Sequence[Any], weights: np.ndarray, rounds: int) -> lightgbm.Booster:
    rows = np.concatenate([one.rows for one in segments]).astype(np.float32)
    right = np.concatenate([one.right for one in segments]).astype(np.float32)
    counts = np.array([len(one.right) for one in segments])
    settings = CHOICE | {"objective": softmax_objective(counts, weights)}
    return lightgbm.train(settings, lightgbm.Dataset(rows, right), rounds)


def read_cases(cases: Iterable[str], workers: int) -> list[Weighed]:
    """The labelled edits of files, each "PATH" or "PATH=WEIGHT"."""
    out: list[Weighed] = []
    with ProcessPoolExecutor(workers) as pool:
        for stated in cases:
            path, _, weight = stated.partition("=")
            rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line]
            done = track(pool.map(_label, rows, chunksize=8), path, len(rows))
            out += [(one, float(weight or 1)) for one in done if one is not None]
    return out


def _label(row: dict[str, str]) -> Labelled | None:
    return label(row["repository"], *request_of(row))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="Fit the ranker of readings.")
    parser.add_argument("--cases", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    edits = read_cases(arguments.cases, arguments.workers)
    attainable = sum(edit.attainable for edit, _ in edits)
    print(f"{len(edits)} edits, {attainable} with their result among the readings")
    arguments.out.write_text(json.dumps(fit(edits), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
