"""`samebytes eval stability`, `chain` and `rules`: the same edits again, edits that build on one another, and
edits whose answers are known by construction.
"""

from __future__ import annotations

from typing import Annotated

import typer

from evals.cli.options import Backend, Cases, Manifest, Model, Out, Repos, Threads, console, usage_errors


def stability(
    out: Out,
    cases: Cases = "written",
    repos: Repos = None,
    manifest: Manifest = "heldout",
    edits: Annotated[int, typer.Option(min=1, help="Edits that are repeated.")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds in each condition.")] = 1000,
    batch: Annotated[int, typer.Option(min=2, help="Most edits in a mixed batch.")] = 8,
    max_tokens: Annotated[int, typer.Option(min=1, help="Only edits with at most so long a prompt.")] = 400,
    seed: Annotated[int, typer.Option(help="Chooses the edits.")] = 0,
    model: Model = None,
    backend: Backend = "auto",
) -> None:
    """Repeat edits alone and in mixed batches, with 1 and 2 threads; count distinct results and logits."""
    from evals.measure.stability import choose, run_stability
    from evals.report.terminal import print_stability
    from evals.runs.config import StabilityConfig
    from evals.runs.select import load_cases
    from evals.runs.subjects import open_applier, provenance_of

    with usage_errors():
        config = StabilityConfig(
            out=out,
            model=model,
            backend=backend,
            seed=seed,
            cases=cases,
            repos=tuple(repos or ()),
            manifest=manifest,
            edits=edits,
            repeats=repeats,
            batch=batch,
            max_tokens=max_tokens,
        )
        chosen = choose(open_applier(model, backend), load_cases(cases, config.repos, manifest), config)
        summary = run_stability(config, chosen, provenance_of(model))
    print_stability(console(), summary)


def chain(
    out: Out,
    repeats: Annotated[int, typer.Option(min=1, help="Times that every chain is walked.")] = 5,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Ten edits that build on one another: are all of them right, and is the ending always the same?"""
    from evals.cases.chains import load_chains
    from evals.measure.chain import run_chains
    from evals.report.terminal import print_chains
    from evals.runs.config import ChainConfig
    from evals.runs.subjects import open_applier, provenance_of

    with usage_errors():
        config = ChainConfig(out=out, model=model, backend=backend, threads=threads, repeats=repeats)
        subject = open_applier(model, backend, threads)
        summary = run_chains(config, load_chains(), subject, provenance_of(model))
    print_chains(console(), summary)


def rules(
    count: Annotated[int, typer.Option(min=1, help="Edits to make.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Chooses files and edits.")] = 0,
    lazy: Annotated[bool, typer.Option(help="Snippets instead of blocks, diffs and patches.")] = False,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Edits of this project's and Python's own files whose right answers are known; fails on wrong bytes."""
    from applier import Applier
    from evals.cases.rules import rule_cases
    from evals.measure.rules import Answer, run_rules
    from evals.report.terminal import print_rules
    from evals.runs.progress import track
    from evals.runs.subjects import open_applier

    with usage_errors():
        # No model takes part in placing blocks and hunks.
        subject = open_applier(model, backend, threads) if lazy else Applier.without_model()
        counts = run_rules(track(rule_cases(count, seed, lazy=lazy), count, "rules"), subject)
    print_rules(console(), counts)
    if counts.total[Answer.WRONG]:
        raise typer.Exit(1)
