"""The command group that the modules beside this one add to."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Speed and load.")
