"""`samebytes selftest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from applier.exits import DONE, INTERNAL, USAGE, CommandError

app = typer.Typer(add_completion=False)


@app.command()
def selftest(
    backend: Annotated[str, typer.Option(help="auto, reference, cpu or triton.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: every core.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model by name or folder, instead of the default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run known answers through this machine's arithmetic, and check the model that is served here.

    Exit code 4 where a bit is wrong.
    """
    from kernels.backend import BackendError
    from kernels.selftest import run as known_answers

    arguments = ["--backend", backend, *(["--threads", str(threads)] if threads else [])]
    try:
        status = known_answers.main([*arguments, *(["--json"] if as_json else [])])
    except BackendError as error:
        raise CommandError(str(error), USAGE) from error
    if (problem := _model_problem(model)) is not None:
        raise CommandError(f"the self-test failed: {problem}", INTERNAL)
    raise typer.Exit(DONE if status == 0 else INTERNAL)


def _model_problem(model: Path | None) -> str | None:
    """What is wrong with the model; None where nothing is, or no model is here."""
    from applier.loading import load_applier

    try:
        engine = load_applier(model).engine
    except (CommandError, ValueError, OSError) as error:
        return str(error)
    if engine is None:
        typer.echo("no model was fetched, so none was checked", err=True)
    return None
