"""What serving makes of validation edits: the outcomes that bias, calibration and threshold are fitted on.

    python -m training.calibration.served_edits --model FOLDER --index FOLDER --root FOLDER --limit 300 \
        --out outcomes.json

Teacher forcing measures the model alone; this runs the whole applier, held to known lines, with its windows
and checks. Once without a head start for the proposal, to choose one, and once more with it (`--bias`,
`--per-odds`) for the margins under it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from applier.engine.engine import Engine
from applier.merge.confidence import ENDLESS, HeadStart, Kind
from applier.merge.model_info import ModelInfo
from applier.pipeline import Applier
from applier.request import Traced
from applier.text.hunks import hunks_elsewhere
from applier.types import EditOptions, EditRequest
from training.corpus.mine import find_repository, load_pairs
from training.samples.tokenize import iter_cases
from training.synth import SynthCase
from training.synth.case import Expectation

BIASES = np.arange(-10.0, 31.0)  # logits
SLOPES = np.arange(0.0, 12.5, 0.5)  # logits a logit of the odds


@dataclass(frozen=True, slots=True)
class Served:
    """One edit that went to the model. `margin`, `kind`, `odds` and `start` are those of its signal,
    `departure` is that of `result.Merge` (0 where the model found no end). `baseline_right` is whether the
    baseline's proposal is right. `refused` names the reason of a refusal that no confidence can overturn;
    `elsewhere` are changes far from the true ones.
    """

    language: str
    tags: tuple[str, ...]
    margin: float
    kind: Kind
    right: bool
    departure: float
    baseline_right: bool
    odds: int = 0
    refused: str = ""
    elsewhere: int = 0
    start: float = 0.0


def request_of(case: SynthCase) -> EditRequest:
    """The case as it would arrive, accepted whatever its confidence."""
    return EditRequest(
        original=_file(case.old),
        edit=case.edit.encode(),
        path=case.path,
        language=case.language,
        format=case.format,
        instruction=case.instruction,
        options=EditOptions(min_confidence=0.0),
    )


def _file(lines: Sequence[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def serve(info: ModelInfo, engine: Engine, cases: Iterable[SynthCase], batch: int = 8) -> Iterator[Served]:
    """Outcomes of the cases that one merge decided, in order; others are left out."""
    applier = Applier.from_engine(info, engine)
    proposer = Applier.from_engine(info, Engine(engine.model, engine.codec, engine.options, ENDLESS))
    left = iter(cases)
    while some := list(islice(left, batch)):
        for case, traced in zip(some, applier.trace_many([request_of(case) for case in some]), strict=True):
            if len(traced.signals) == 1:
                yield _served(case, traced, proposer)


def _served(case: SynthCase, traced: Traced, proposer: Applier) -> Served:
    signal, result = traced.signals[0], traced.result
    wanted = _file(case.new)
    right = result.content == wanted
    proposal = result.content
    if signal.kind is not Kind.FALLBACK and not all(merge.agrees for merge in traced.merges):
        proposal = proposer.apply(request_of(case)).content
    return Served(
        language=case.language,
        tags=case.tags,
        margin=signal.margin,
        kind=signal.kind,
        right=right,
        departure=max((merge.departure for merge in traced.merges), default=0.0),
        baseline_right=proposal == wanted,
        odds=signal.odds,
        start=signal.start,
        refused=result.refusal.reason.value if result.refusal else "",
        elsewhere=0 if right else _elsewhere(case, result.content),
    )


def _elsewhere(case: SynthCase, content: bytes) -> int:
    return hunks_elsewhere(case.old, case.new, content.decode().split("\n")[:-1])


def best_head_start(outcomes: Sequence[Served]) -> tuple[HeadStart, float]:
    """The head start with the most merges right, and that share; outcomes come from serving without one.

    Where it is not below its departure, a merge falls back to the proposal. Each point of a grid counts with
    its neighbours, so that a lucky single point does not win; among equals the longest head start wins.
    """
    departure = np.array([outcome.departure for outcome in outcomes])
    odds = np.array([outcome.odds / 1000.0 for outcome in outcomes])
    gain = np.array([float(outcome.right) - float(outcome.baseline_right) for outcome in outcomes])
    starts = BIASES[:, None, None] + SLOPES[None, :, None] * odds
    gains = ((departure > np.maximum(starts, 0.0)) * gain).sum(-1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(gains, 1, mode="edge"), (3, 3)).mean((2, 3))
    at = np.argwhere(around == around.max())[-1]
    best = HeadStart(float(BIASES[at[0]]), float(SLOPES[at[1]]))
    right = gains[at[0], at[1]] + sum(outcome.baseline_right for outcome in outcomes)
    return best, float(right) / max(1, len(outcomes))


def validation_cases(index: Path, roots: list[Path], seed: int, limit: int) -> Iterator[SynthCase]:
    """Up to `limit` cases, evenly from all indices, whose right outcome is a change."""
    files = sorted(index.glob("*.jsonl"))
    for file in files:
        pairs = load_pairs(file)
        if not pairs:
            continue
        found = iter_cases(find_repository(roots, pairs[0].repository), pairs, seed)
        wanted = (case for _, _, case in found if case.expectation is Expectation.APPLIED)
        yield from islice(wanted, -(-limit // len(files)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the outcomes as JSON and prints the shares and the best bias."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--root", type=Path, action="append", required=True)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bias", type=float, default=0.0)
    parser.add_argument("--per-odds", type=float, default=0.0)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    info = replace(ModelInfo.read(given.model), head_start=HeadStart(given.bias, given.per_odds))
    engine = Engine.load(info, given.backend)
    cases = validation_cases(given.index, given.root, given.seed, given.limit)
    outcomes = list(serve(info, engine, cases, given.batch))
    given.out.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    best, share = best_head_start(outcomes)
    count = max(1, len(outcomes))
    summary = {
        "edits": len(outcomes),
        "right": sum(o.right for o in outcomes) / count,
        "baseline_right": sum(o.baseline_right for o in outcomes) / count,
        "best_head_start": asdict(best),
        "right_with_best_head_start": share,
    }
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
