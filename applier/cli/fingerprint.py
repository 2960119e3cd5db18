"""`samebytes fingerprint`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def fingerprint(
    model: Annotated[
        Path | None, typer.Option(help="A model by name or folder, instead of the default.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print what it is made of.")] = False,
) -> None:
    """Print the hash of all that decides this installation's answers: equal fingerprint, equal bytes."""
    from applier import receipt
    from applier.deciders import strangers
    from applier.loading import load_applier

    applier = load_applier(model)
    print(applier.fingerprint())
    if explain:
        for name, value in (applier.info.parts() if applier.info else receipt.parts("", "", 0)).items():
            print(f"{name}: {value}")
    for name, (installed, pinned) in strangers().items():
        print(f"warning: {name} {installed} is installed, {pinned} is pinned", file=sys.stderr)
