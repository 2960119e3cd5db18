"""`samebytes eval bench`: speed and load. Also `python -m evals.bench`, which needs fewer packages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from applier.types import Tier
from evals.bench.load import Load, read_load
from evals.bench.options import (
    Address,
    Backend,
    Identical,
    InFlight,
    LoadFile,
    Model,
    OfTier,
    Out,
    Processes,
    Repeats,
    Seed,
    Threads,
    Timeout,
    TokenFile,
    console,
    open_load,
    open_target,
    usage_errors,
)
from evals.bench.record import finish, tell
from evals.bench.subject import open_applier

if TYPE_CHECKING:
    from evals.bench.loops import Sweep
    from evals.bench.targets import Target

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Speed and load.")


@app.command()
def prepare(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    cases: Annotated[
        str, typer.Option(help="'written', 'heldout' (with --repos), a .jsonl file, or a folder of cases.")
    ] = "written",
    repos: Annotated[
        list[Path] | None, typer.Option(help="Folder of clones of the held-out repositories.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, chosen by the seed.")] = None,
    seed: Annotated[int, typer.Option(help="Chooses the cases of a limited load.")] = 0,
    diffs: Annotated[bool, typer.Option(help="Every change as an exact diff too.")] = False,
    model: Model = None,
) -> None:
    """Write the load of the other commands: edits that are applied, with their prompts and token counts."""
    from evals.bench.load import as_diff, write_load
    from evals.bench.load import prepare as prepare_load
    from evals.runs.select import limit_cases, load_cases
    from training.git import GitError

    with usage_errors():
        try:
            found = load_cases(cases, tuple(repos or ()))
        except GitError as error:
            raise ValueError(str(error)) from error
        chosen = limit_cases(found, limit, seed)
        if diffs:
            chosen += [as_diff(case) for case in chosen if case.expected not in (None, case.original)]
        load = prepare_load(chosen, model, cases)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_load(load, out)
    tiers = [edit.tier for edit in load.edits]
    console.print(
        f"{len(tiers)} edits of {len(chosen)} cases in {out}: {tiers.count(Tier.MODEL)} for the model, "
        f"{tiers.count(Tier.EXACT)} exact"
    )


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


@app.command("file-size")
def file_size(
    load: LoadFile,
    out: Out,
    size: Annotated[list[int] | None, typer.Option(min=1, help="Bytes; may be repeated.")] = None,
    repeats: Repeats = 5,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Time of one edit of each tier in files of 1 KiB to 10 MiB."""
    from evals.bench.record import record
    from evals.bench.sizes import FILE_SIZES, file_sizes

    with usage_errors():
        edits = read_load(load)
        applier = open_applier(model, backend, threads)
        rows = file_sizes(applier, edits, size or FILE_SIZES, repeats, tell)
        settings = {"load": edits.source, "repeats": repeats}
        finish(record("file-size", "in process", settings, rows), out)


@app.command("edit-size")
def edit_size(
    out: Out,
    lines: Annotated[list[int] | None, typer.Option(min=1, max=200, help="Changed lines.")] = None,
    repeats: Repeats = 5,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Time of lazy snippets that change 1 to 80 lines."""
    from evals.bench.record import record
    from evals.bench.sizes import EDIT_LINES, edit_sizes

    with usage_errors():
        rows = edit_sizes(open_applier(model, backend, threads), lines or EDIT_LINES, repeats, tell)
        finish(record("edit-size", "in process", {"repeats": repeats}, rows), out)


@app.command()
def engine(
    load: LoadFile,
    out: Out,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Edits in one apply_many.")] = None,
    in_threads: Annotated[list[int] | None, typer.Option(min=1, help="Threads that apply.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each row.")] = 8.0,
    processes: Processes = 0,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Merged tokens a second in this process: one edit at a time, in batches, from threads."""
    from evals.bench.engine import BATCHES, THREADS, run_engine

    with usage_errors():
        edits = open_load(load, "model")
        applier = open_applier(model, backend, threads, processes)
        finish(run_engine(applier, edits, batch or BATCHES, in_threads or THREADS, seconds), out)


@app.command()
def identical(
    load: LoadFile,
    out: Out,
    times: Annotated[int, typer.Option(min=1, help="Times that one request is asked.")] = 1000,
    others: Annotated[int, typer.Option(min=0, help="Different requests among them.")] = 4000,
    callers: Annotated[int, typer.Option(min=1, help="Threads that ask.")] = 64,
    on_cpu: Annotated[int, typer.Option(min=0, help="Requests that a CPU answers too, to compare.")] = 8,
    seed: Seed = 0,
    processes: Processes = 0,
    model: Model = None,
    backend: Backend = "auto",
) -> None:
    """One request many times amid different ones, while caches, chunks, drafts and order vary at random."""
    from evals.bench.identical import run_identical

    with usage_errors():
        edits = open_load(load, "model")
        counts = (times, others, callers, on_cpu, seed, processes)
        result = run_identical(model, backend, edits.edits, edits.source, *counts)
        finish(result, out)
    row = result["rows"][0]
    distinct = max(row["distinct_results_of_identical"], row["distinct_logits_of_identical"])
    if distinct > 1 or row["differ_from_cpu"]:
        console.print(f"{distinct} distinct; {row['differ_from_cpu']} differ from the CPU", style="red")
        raise typer.Exit(1)


@app.command()
def exact(out: Out, repeats: Repeats = 21) -> None:
    """Time of exact edits of files up to 10 MiB. Needs no model and no load."""
    from evals.bench.exact import bench_exact
    from evals.bench.record import record

    rows = bench_exact(repeats, tell)
    finish(record("exact", "in process, no model", {"repeats": repeats}, rows), out)


@app.command()
def rival(
    load: LoadFile,
    out: Out,
    model: Annotated[str, typer.Option(help="Hugging Face folder or id, or the folder of --gguf-file.")],
    gguf_file: Annotated[str | None, typer.Option(help="A GGUF file in the model's folder.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Folder of a peft adapter to merge into it.")] = None,
    dtype: Annotated[str, typer.Option(help="bfloat16, float16 or float32.")] = "bfloat16",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: cuda where there is one.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Batch sizes.")] = None,
    new_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")] = 128,
    most_prompt: Annotated[int, typer.Option(min=1, help="Most tokens of a prompt.")] = 1024,
    lookup: Annotated[int, typer.Option(min=1, help="Tokens that prompt lookup drafts.")] = 10,
    seconds: Annotated[float, typer.Option(min=0, help="Of each row, at least one batch a prompt.")] = 0.0,
) -> None:
    """transformers' generate on the same prompts, with and without prompt lookup, over batch sizes."""
    from evals.bench.rival import BATCHES, open_rival, run_rival

    with usage_errors():
        edits = read_load(load)
        subject = open_rival(model, gguf_file, adapter, dtype, device)
        finish(run_rival(subject, edits, batch or BATCHES, new_tokens, most_prompt, lookup, seconds), out)


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
    from evals.bench.load import Traffic
    from evals.bench.process import serving
    from evals.bench.record import record
    from evals.bench.samples import summarise
    from evals.bench.soak import SMALL, as_rows, growth, warm_up
    from evals.bench.soak import soak as run_soak
    from evals.bench.targets import Grpc

    async def run() -> dict[str, Any]:
        with serving(model, environment=SMALL) as server:
            target = Grpc(server.target, timeout=60.0)
            try:
                await warm_up(target, edits.edits)
                samples, usages, wall = await run_soak(
                    target, Traffic(edits.edits, identical), server.pid, rate, 60 * minutes, every, seed
                )
            finally:
                await target.close()
        summary = summarise(samples, wall)
        tell(summary)
        settings = {"load": edits.source, "tier": tier, "rate": rate, "minutes": minutes, "seed": seed}
        rows = as_rows(usages)
        return record("soak", "samebytes serve", settings, rows, summary=summary, grew=growth(usages))

    with usage_errors():
        edits = open_load(load, tier)
        result = asyncio.run(run())
        finish(result, out)
    wrong = [*result["grew"], *(f"{n} x {name}" for name, n in result["summary"]["errors"].items())]
    if wrong:
        console.print("; ".join(wrong), style="red")
        raise typer.Exit(1)
    console.print("nothing grew, nothing failed")
