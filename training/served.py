"""What serving makes of validation edits: the outcomes that bias, calibration and threshold are fitted on.

    python -m training.served --model FOLDER --index FOLDER --root FOLDER --limit 300 --out outcomes.json

Teacher forcing measures the model alone; this runs the whole applier, held to known lines, with its windows,
checks and bias. Once to choose the bias, and once more with `--bias` for the margins under it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from applier.confidence import Kind
from applier.engine import Engine, ModelInfo
from applier.pipeline import Applier
from applier.types import EditOptions, EditRequest, Status
from training.mine import find_repository, load_pairs
from training.synth import SynthCase
from training.synth.case import Expectation
from training.tokenize import iter_cases

ENDLESS = 1e30  # a bias that no margin overcomes: the model writes the baseline's proposal


@dataclass(frozen=True, slots=True)
class Served:
    """One edit that the model merged. `baseline_right` is whether the baseline's proposal is right, `odds`
    what it says of itself.
    """

    language: str
    tags: tuple[str, ...]
    margin: float
    kind: Kind
    right: bool
    departure: float
    baseline_right: bool
    odds: int = 0


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
    """Outcomes of the cases that one merge by the model decided, in order; others are left out."""
    applier = Applier.from_engine(info, engine)
    proposer = Applier.from_engine(info, Engine(engine.model, engine.codec, engine.options, ENDLESS))
    left = iter(cases)
    while some := list(islice(left, batch)):
        for case, traced in zip(some, applier.trace_many([request_of(case) for case in some]), strict=True):
            if len(traced.signals) != 1 or traced.result.status is Status.REFUSED:
                continue
            signal = traced.signals[0]
            right = traced.result.content == _file(case.new)
            baseline = right
            if not traced.merges[0].agrees:
                baseline = proposer.apply(request_of(case)).content == _file(case.new)
            departure = traced.merges[0].departure
            margin, kind, odds = signal.margin, signal.kind, signal.odds
            yield Served(case.language, case.tags, margin, kind, right, departure, baseline, odds)


def best_bias(outcomes: Sequence[Served]) -> tuple[float, float]:
    """The bias with the most merges right, and that share; outcomes come from serving without bias.

    With a bias above its departure a merge falls back to the proposal. Of equally good biases the middle one
    of the widest gap is taken.
    """
    steps = sorted({0.0, *(outcome.departure for outcome in outcomes)})
    edges = [*steps, steps[-1] + 2.0]
    best, best_right, best_gap = 0.0, -1, 0.0
    for low, high in pairwise(edges):
        right = sum(o.right if o.departure > low else o.baseline_right for o in outcomes)
        if (right, high - low) > (best_right, best_gap):
            best, best_right, best_gap = (low + high) / 2, right, high - low
    return best, best_right / max(1, len(outcomes))


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
    parser.add_argument("--bias", type=float, default=None)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    info = ModelInfo.read(given.model)
    if given.bias is not None:
        info = replace(info, proposal_bias=given.bias)
    engine = Engine.load(info, given.backend)
    cases = validation_cases(given.index, given.root, given.seed, given.limit)
    outcomes = list(serve(info, engine, cases, given.batch))
    given.out.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    bias, share = best_bias(outcomes)
    count = max(1, len(outcomes))
    summary = {
        "edits": len(outcomes),
        "right": sum(o.right for o in outcomes) / count,
        "baseline_right": sum(o.baseline_right for o in outcomes) / count,
        "best_bias": bias,
        "right_with_best_bias": share,
    }
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
