"""What the commands of `bench` share: options, loads and targets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from applier.types import Tier
from evals.bench.harness.load import Load, read_load

if TYPE_CHECKING:
    from evals.bench.harness.targets import Target

Out = Annotated[Path, typer.Option(help="Folder for bench.json and plot.png.")]
LoadFile = Annotated[Path, typer.Option("--load", help="A load that `prepare` wrote.")]
Model = Annotated[Path | None, typer.Option(help="A folder with an apply model, instead of the default.")]
Backend = Annotated[
    Literal["auto", "reference", "cpu", "triton"], typer.Option(help="Where the arithmetic runs.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the arithmetic on a CPU.")]
Processes = Annotated[int, typer.Option(min=0, help="For all but merges; 0: they run in this one.")]
OfTier = Annotated[Literal["any", "exact", "model"], typer.Option(help="Which edits of the load.")]
Address = Annotated[str | None, typer.Option("--grpc", help="host:port of a server; else in process.")]
TokenFile = Annotated[Path | None, typer.Option(help="--grpc: file with its bearer token.")]
Timeout = Annotated[float, typer.Option(min=0.001, help="--grpc: seconds until a request has failed.")]
InFlight = Annotated[int, typer.Option(min=1, help="In process: requests in work at a time.")]
Identical = Annotated[
    float, typer.Option(min=0, max=1, help="Share of requests that are one and the same edit.")
]
Seed = Annotated[int, typer.Option(help="Of the arrivals.")]
Repeats = Annotated[int, typer.Option(min=1, help="Times that each size is measured.")]

console = Console(highlight=False)


@contextmanager
def usage_errors() -> Iterator[None]:
    """A mistake that the user can correct is a sentence and exit code 2, not a traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(2) from error


def open_load(path: Path, tier: str) -> Load:
    """The edits of a tier, or of "any". Raises ValueError and OSError."""
    return read_load(path).of_tier(None if tier == "any" else Tier(tier))


def open_target(
    address: str | None,
    token_file: Path | None,
    timeout: float,
    in_flight: int,
    model: Path | None,
    backend: Any,
    threads: int | None,
    processes: int = 0,
) -> Target:
    """The server at `address`, or an Applier in this process and `processes` more."""
    from evals.bench.harness.subject import open_applier
    from evals.bench.harness.targets import Grpc, InProcess

    if address is None:
        return InProcess(open_applier(model, backend, threads, processes), in_flight)
    return Grpc(address, timeout, token_file.read_text().strip() if token_file else None)
