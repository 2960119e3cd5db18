"""What the commands of `bench` share: options, targets, and what they print and write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from applier.types import Tier
from evals.bench.load import Load, read_load

if TYPE_CHECKING:
    from applier.pipeline import Applier
    from evals.bench.targets import Target

Out = Annotated[Path, typer.Option(help="Folder for bench.json and plot.png.")]
LoadFile = Annotated[Path, typer.Option("--load", help="A load that `prepare` wrote.")]
Model = Annotated[Path | None, typer.Option(help="A folder with an apply model, instead of the default.")]
Backend = Annotated[
    Literal["auto", "reference", "cpu", "triton"], typer.Option(help="Where the arithmetic runs.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the arithmetic on a CPU.")]
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
    """What a user can put right is a sentence and exit code 2, not a traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(2) from error


def open_load(path: Path, tier: str) -> Load:
    """The edits of a tier, or of "any". Raises ValueError and OSError."""
    return read_load(path).of_tier(None if tier == "any" else Tier(tier))


def open_applier(model: Path | None, backend: Any, threads: int | None) -> Applier:
    """With its model loaded, and a scheduler as a server has one. Raises ModelNotFoundError."""
    from applier.models.home import model_folder
    from applier.models.manifest import DEFAULT_MODEL
    from applier.pipeline import Applier

    applier = Applier.from_model_dir(model or model_folder(DEFAULT_MODEL), backend, threads)
    applier.start_scheduler()
    return applier


def open_target(
    address: str | None,
    token_file: Path | None,
    timeout: float,
    in_flight: int,
    model: Path | None,
    backend: Any,
    threads: int | None,
) -> Target:
    """The server at `address`, or an Applier in this process."""
    from evals.bench.targets import Grpc, InProcess

    if address is None:
        return InProcess(open_applier(model, backend, threads), in_flight)
    return Grpc(address, timeout, token_file.read_text().strip() if token_file else None)


def tell(row: dict[str, Any]) -> None:
    """Print a row as it comes, with nested figures flattened."""
    shown: list[str] = []
    for name, value in row.items():
        if isinstance(value, dict):
            value = " ".join(f"{key} {inner}" for key, inner in value.items()) or "none"
        shown.append(f"[dim]{name.replace('_', ' ')}[/] {value}")
    console.print("  ".join(shown), soft_wrap=True)


def finish(result: dict[str, Any], out: Path) -> None:
    """Write the record and its plot, and say where."""
    from evals.bench.plot import write_plot
    from evals.bench.record import write_record

    console.print(str(write_record(result, out)))
    if write_plot(result, out / "plot.png"):
        console.print(str(out / "plot.png"))
