"""Load from outside: arrivals at a rate, clients at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evals.bench.harness.load import Load
from evals.bench.harness.options import (
    Address,
    Backend,
    Identical,
    InFlight,
    LoadFile,
    Model,
    OfTier,
    Out,
    Processes,
    Seed,
    Threads,
    Timeout,
    TokenFile,
    open_load,
    open_target,
    usage_errors,
)
from evals.bench.harness.plot import finish
from evals.bench.harness.record import tell
from evals.cli.bench.app import app

if TYPE_CHECKING:
    from evals.bench.harness.targets import Target
    from evals.bench.loops import Sweep


@app.command()
def rates(
    load: LoadFile,
    out: Out,
    rate: Annotated[list[float], typer.Option(help="Requests a second; may be repeated.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each rate.")] = 20.0,
    tier: OfTier = "any",
    identical: Identical = 0.2,
    seed: Seed = 0,
    grpc: Address = None,
    token_file: TokenFile = None,
    timeout: Timeout = 60.0,
    in_flight: InFlight = 8,
    processes: Processes = 0,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Latency and throughput against the offered rate: open loop, Poisson arrivals."""
    from evals.bench.loops import run_sweep, sweep_rates

    def sweep(target: Target, edits: Load) -> Sweep:
        return sweep_rates(target, edits.edits, identical, rate, seconds, seed, tell)

    with usage_errors():
        edits = open_load(load, tier)
        target = open_target(grpc, token_file, timeout, in_flight, model, backend, threads, processes)
        settings = {"tier": tier, "identical": identical, "seconds": seconds}
        finish(run_sweep("rates", target, edits, sweep, settings), out)


@app.command()
def concurrency(
    load: LoadFile,
    out: Out,
    clients: Annotated[list[int], typer.Option(min=1, help="Clients at a time; may be repeated.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each number, at most.")] = 20.0,
    requests: Annotated[int | None, typer.Option(min=1, help="Requests of each number, at most.")] = None,
    tier: OfTier = "any",
    identical: Identical = 0.2,
    grpc: Address = None,
    token_file: TokenFile = None,
    timeout: Timeout = 60.0,
    processes: Processes = 0,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Latency and throughput against the number of clients that wait for their answers: closed loop."""
    from evals.bench.loops import run_sweep, sweep_concurrency

    def sweep(target: Target, edits: Load) -> Sweep:
        return sweep_concurrency(target, edits.edits, identical, clients, seconds, requests, tell)

    with usage_errors():
        edits = open_load(load, tier)
        target = open_target(grpc, token_file, timeout, max(clients), model, backend, threads, processes)
        settings = {"tier": tier, "identical": identical, "seconds": seconds}
        finish(run_sweep("concurrency", target, edits, sweep, settings), out)
