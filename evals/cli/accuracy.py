"""`samebytes eval accuracy` and `mine`: score cases, and write mined ones to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from evals.cases import Category
from evals.cli.options import (
    Backend,
    Cases,
    Limit,
    Manifest,
    Model,
    Out,
    Repos,
    Threads,
    console,
    usage_errors,
)


def accuracy(
    out: Out,
    cases: Cases = "written",
    repos: Repos = None,
    manifest: Manifest = "heldout",
    limit: Limit = None,
    category: Annotated[list[Category] | None, typer.Option(help="Only these categories.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Times that every case is applied.")] = 1,
    seed: Annotated[int, typer.Option(help="Chooses the cases of a limited run.")] = 0,
    baseline: Annotated[bool, typer.Option(help="Score the merge without a model beside it.")] = True,
    run_tests: Annotated[
        bool,
        typer.Option(
            "--run-tests",
            help="Run the tests that written cases carry: their code, in a temporary folder with limits.",
        ),
    ] = False,
    model: Model = None,
    backend: Backend = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    threads: Threads = None,
) -> None:
    """Byte-exact match with its interval, beside the no-model baseline."""
    from evals.measure.accuracy import run_accuracy
    from evals.report.terminal import print_accuracy
    from evals.runs.config import AccuracyConfig
    from evals.runs.select import limit_cases, load_cases
    from evals.runs.subjects import provenance_of

    with usage_errors():
        config = AccuracyConfig(
            out=out,
            model=model,
            backend=backend,
            workers=workers,
            threads=threads,
            seed=seed,
            cases=cases,
            repos=tuple(repos or ()),
            manifest=manifest,
            limit=limit,
            categories=tuple(category or ()),
            repeats=repeats,
            baseline=baseline,
            run_tests=run_tests,
        )
        chosen = limit_cases(load_cases(cases, config.repos, manifest), limit, seed, config.categories)
        summary = run_accuracy(config, chosen, provenance_of(model))
    print_accuracy(console(), summary)


def mine(
    out: Annotated[Path, typer.Option(help="File to write, one case a line; a name in .gz compresses it.")],
    repos: Annotated[list[Path], typer.Option(help="Folder of clones of the manifest's repositories.")],
    cases: Annotated[Literal["heldout", "habits"], typer.Option(help="Which edits to write.")] = "heldout",
    manifest: Manifest = "heldout",
) -> None:
    """Mine cases from local clones into a file, for --cases on a machine without them."""
    from evals.cases.written import save_file
    from evals.runs.select import load_cases

    with usage_errors():
        mined = load_cases(cases, repos, manifest)
        save_file(mined, out)
    console().print(f"{len(mined)} cases in {out}")
