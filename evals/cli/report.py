"""`samebytes eval report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evals.cli.options import console, usage_errors


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs and audits.")],
    out: Annotated[
        Path, typer.Option(help="The file to write: HTML, or with a name in .md the tables alone.")
    ] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Its heading.")] = "samebytes evals",
) -> None:
    """Write one self-contained file with the plots and tables of any number of runs, audits side by side."""
    from evals.report.html import write_report

    with usage_errors():
        write_report(runs, out, title)
    console().print(str(out))
