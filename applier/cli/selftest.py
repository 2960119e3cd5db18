"""`samebytes selftest`."""

from __future__ import annotations

from typing import Annotated

import typer

from applier.exits import DONE, INTERNAL, USAGE, CommandError

app = typer.Typer(add_completion=False)


@app.command()
def selftest(
    backend: Annotated[str, typer.Option(help="auto, reference, cpu or triton.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: every core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run known answers through this machine's arithmetic. Exit code 4 where a bit is wrong."""
    from kernels.backend import BackendError
    from kernels.selftest import run as known_answers

    arguments = ["--backend", backend, *(["--threads", str(threads)] if threads else [])]
    try:
        status = known_answers.main([*arguments, *(["--json"] if as_json else [])])
    except BackendError as error:
        raise CommandError(str(error), USAGE) from error
    raise typer.Exit(DONE if status == 0 else INTERNAL)
