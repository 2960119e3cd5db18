"""`samebytes fingerprint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def fingerprint(
    model: Annotated[
        Path | None, typer.Option(help="A model by name or folder, instead of the default.")
    ] = None,
) -> None:
    """Print the hash of all that decides this installation's answers: equal fingerprint, equal bytes."""
    from applier.loading import load_applier

    print(load_applier(model).fingerprint())
