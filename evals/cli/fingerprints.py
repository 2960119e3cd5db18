"""`samebytes eval compare`, `rebaseline` and `history`: scores belong to a fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evals.cli.options import FINDING, Backend, Model, Out, Threads, console, usage_errors


def compare(
    left: Annotated[Path, typer.Argument(help="Folder of an accuracy run.")],
    right: Annotated[Path, typer.Argument(help="Folder of another, over the same cases.")],
    force: Annotated[bool, typer.Option("--force", help="Compare across fingerprints, and say so.")] = False,
) -> None:
    """Compare two accuracy runs. Refuses across fingerprints unless forced.

    Exit code 1 where one fingerprint gave other bytes: that breaks the contract.
    """
    from evals.measure.compare import compare as compare_runs
    from evals.report.terminal import print_comparison

    with usage_errors():
        comparison = compare_runs(left, right, force)
    print_comparison(console(), comparison)
    if comparison.changed and not comparison.label:
        raise typer.Exit(FINDING)


def rebaseline(
    out: Out,
    history: Annotated[Path, typer.Option(help="File of baselines; the new one is appended.")],
    model: Model = None,
    backend: Backend = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    threads: Threads = None,
) -> None:
    """Score the 200 reference cases under the present fingerprint and append the score to the history.

    A fingerprint that is there already must give the results that it gave: anything else breaks the contract.
    """
    from evals.measure.accuracy import run_accuracy
    from evals.measure.history import History, reference_cases
    from evals.report.terminal import print_history
    from evals.runs.config import AccuracyConfig
    from evals.runs.subjects import provenance_of

    with usage_errors():
        config = AccuracyConfig(
            out=out, model=model, backend=backend, workers=workers, threads=threads, cases="reference"
        )
        log = History(history)
        entry = log.add(run_accuracy(config, reference_cases(), provenance_of(model)))
    print_history(console(), log, entry.fingerprint, entry.cases_sha256)


def show_history(
    history: Annotated[Path, typer.Option(help="File of baselines.")],
    model: Model = None,
) -> None:
    """List the baselines; exit code 1 where the present fingerprint has none and must be rebaselined."""
    from evals.measure.accuracy import digest_of
    from evals.measure.history import History, reference_cases
    from evals.report.terminal import print_history
    from evals.runs.subjects import provenance_of

    with usage_errors():
        log = History(history)
        fingerprint, cases = provenance_of(model).fingerprint, digest_of(reference_cases())
    print_history(console(), log, fingerprint, cases)
    if log.latest(fingerprint, cases) is None:
        raise typer.Exit(FINDING)
