"""Speed in this process: sizes, the engine, exact edits; and a rival beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from evals.bench.harness.load import read_load
from evals.bench.harness.options import (
    Backend,
    LoadFile,
    Model,
    Out,
    Processes,
    Repeats,
    Seed,
    Threads,
    console,
    open_load,
    usage_errors,
)
from evals.bench.harness.plot import finish
from evals.bench.harness.record import tell
from evals.bench.harness.subject import open_applier
from evals.cli.bench.app import app


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
    from evals.bench.harness.record import record
    from evals.bench.sizes import FILE_SIZES, file_sizes

    with usage_errors():
        edits = read_load(load)
        applier = open_applier(model, backend, threads)
        rows = file_sizes(applier, edits, size or FILE_SIZES, repeats, tell)
        settings = {"load": edits.source, "repeats": repeats}
        finish(record("file-size", "in process", settings, rows), out)


@app.command("large-file")
def large_file(
    load: LoadFile,
    out: Out,
    size: Annotated[int | None, typer.Option(min=1, help="Bytes of the large files.")] = None,
    edits: Annotated[int | None, typer.Option(min=1, help="How many edits at most.")] = None,
    repeats: Repeats = 5,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Real edits in their own files, and the same edits in files of 50,000 lines."""
    from evals.bench.large_file import LARGE, MOST_EDITS, run_large_file

    with usage_errors():
        applier = open_applier(model, backend, threads)
        counts = (size or LARGE, edits or MOST_EDITS, repeats)
        finish(run_large_file(applier, read_load(load), *counts, tell), out)


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
    from evals.bench.harness.record import record
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
    from evals.bench.harness.record import record

    rows = bench_exact(repeats, tell)
    finish(record("exact", "in process, no model", {"repeats": repeats}, rows), out)


@app.command()
def rival(
    load: LoadFile,
    out: Out,
    model: Annotated[
        str, typer.Option(help="Folder of samebytes or Hugging Face, an id, or --gguf-file's folder.")
    ],
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
