"""The load that the other commands offer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from applier.types import Tier
from evals.bench.harness.options import Model, console, usage_errors
from evals.cli.bench.app import app


@app.command()
def prepare(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    cases: Annotated[
        str, typer.Option(help="'written', 'heldout' (with --repos), a .jsonl file, or a folder of cases.")
    ] = "written",
    repos: Annotated[
        list[Path] | None, typer.Option(help="Folder of clones of the held-out repositories.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, chosen by the seed.")] = None,
    seed: Annotated[int, typer.Option(help="Chooses the cases of a limited load.")] = 0,
    diffs: Annotated[bool, typer.Option(help="Every change as an exact diff too.")] = False,
    model: Model = None,
) -> None:
    """Write the load of the other commands: edits that are applied, with their prompts and token counts."""
    from evals.bench.harness.load import as_diff, write_load
    from evals.bench.harness.load import prepare as prepare_load
    from evals.runs.select import limit_cases, load_cases
    from training.corpus.git import GitError

    with usage_errors():
        try:
            found = load_cases(cases, tuple(repos or ()))
        except GitError as error:
            raise ValueError(str(error)) from error
        chosen = limit_cases(found, limit, seed)
        if diffs:
            chosen += [as_diff(case) for case in chosen if case.expected not in (None, case.original)]
        load = prepare_load(chosen, model, cases)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_load(load, out)
    tiers = [edit.tier for edit in load.edits]
    console.print(
        f"{len(tiers)} edits of {len(chosen)} cases in {out}: {tiers.count(Tier.MODEL)} for the model, "
        f"{tiers.count(Tier.EXACT)} exact"
    )
