"""Server processes under load: one killed, one asked for too much, one for a long time."""

from __future__ import annotations

from typing import Annotated

import typer

from evals.bench.harness.options import (
    Identical,
    LoadFile,
    Model,
    OfTier,
    Out,
    Seed,
    console,
    open_load,
    usage_errors,
)
from evals.bench.harness.plot import finish
from evals.bench.harness.record import tell
from evals.cli.bench.app import app


@app.command()
def failover(
    load: LoadFile,
    out: Out,
    servers: Annotated[int, typer.Option(min=2, help="Server processes.")] = 2,
    rate: Annotated[float, typer.Option(min=0.01, help="Requests a second.")] = 1.0,
    seconds: Annotated[float, typer.Option(min=1, help="Of arrivals; one server dies half-way.")] = 60.0,
    checked: Annotated[int, typer.Option(min=0, help="Answers after the kill that are asked again.")] = 30,
    tier: OfTier = "any",
    seed: Seed = 0,
    model: Model = None,
) -> None:
    """Kill one of several servers under load (kill -9): clients retry, and must get the same bytes."""
    from evals.bench.servers import run_failover

    with usage_errors():
        edits = open_load(load, tier)
        result = run_failover(model, edits, servers, rate, seconds, checked, seed)
        tell(result["summary"])
        finish(result, out)
    errors = result["summary"]["errors"]
    if errors or result["differ"]:
        console.print(f"{errors} not answered, {result['differ']} differ", style="red")
        raise typer.Exit(1)


@app.command()
def overload(
    load: LoadFile,
    out: Out,
    factor: Annotated[list[float] | None, typer.Option(help="Times what it can do; repeatable.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each factor.")] = 20.0,
    tier: OfTier = "any",
    seed: Seed = 0,
    model: Model = None,
) -> None:
    """Ask more of a small server than it can do: it must turn away, and answer as much as before."""
    from evals.bench.servers import run_overload

    with usage_errors():
        edits = open_load(load, tier)
        finish(run_overload(model, edits, factor or [1, 2, 4, 8], seconds, seed, tell), out)


@app.command()
def soak(
    load: LoadFile,
    out: Out,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long.")] = 20.0,
    rate: Annotated[float, typer.Option(min=0.01, help="Requests a second.")] = 5.0,
    every: Annotated[float, typer.Option(min=0.01, help="Seconds between observations.")] = 5.0,
    tier: OfTier = "any",
    identical: Identical = 0.2,
    seed: Seed = 0,
    model: Model = None,
) -> None:
    """Load a server process for a long time; fails where its memory, open files or threads grow."""
    from evals.bench.servers import run_soak

    with usage_errors():
        edits = open_load(load, tier)
        result = run_soak(model, edits, identical, rate, 60 * minutes, every, seed)
        tell(result["summary"])
        finish(result, out)
    wrong = [*result["grew"], *(f"{n} x {name}" for name, n in result["summary"]["errors"].items())]
    if wrong:
        console.print("; ".join(wrong), style="red")
        raise typer.Exit(1)
    console.print("nothing grew, nothing failed")
