"""The options that several commands share, and what they do with a user's mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

Out = Annotated[Path, typer.Option(help="Folder of the run; an unfinished run there is resumed.")]
Model = Annotated[Path | None, typer.Option(help="A folder with an apply model, instead of the default.")]
Backend = Annotated[
    Literal["auto", "reference", "cpu", "triton"],
    typer.Option(help="Where the arithmetic runs; the bits are the same."),
]
Cases = Annotated[
    str,
    typer.Option(
        help="'written', 'heldout' or 'habits' (with --repos), a .jsonl file, or a folder in a public shape."
    ),
]
Repos = Annotated[list[Path] | None, typer.Option(help="Folder of clones of the manifest's repositories.")]
Manifest = Annotated[
    str, typer.Option(help="Repositories to mine: 'heldout', 'validation' (for development), or a TOML file.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many cases, chosen by the seed.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of each process.")]

FINDING, USAGE = 1, 2  # exit codes: a measurement is not as it should be; a request makes no sense


def console() -> Console:
    """Where results are printed."""
    return Console(highlight=False)


@contextmanager
def usage_errors() -> Iterator[None]:
    """A mistake that the user can correct is a sentence and exit code 2, a broken contract exit code 1."""
    from applier.merge.model_info import ModelNotFoundError
    from evals.measure.compare import NotComparable
    from evals.measure.history import ContractBroken
    from evals.runs.store import RunMismatch
    from training.corpus.git import GitError

    try:
        yield
    except (ValueError, RunMismatch, NotComparable, GitError, ModelNotFoundError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(FINDING if isinstance(error, ContractBroken) else USAGE) from error
