"""`samebytes eval`: accuracy, stability, chains, audits, comparisons and reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from evals.bench.cli import app as bench
from evals.cases import Category

app = typer.Typer(add_completion=False, no_args_is_help=True)

app.add_typer(bench, name="bench")

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


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What a user can put right is a sentence and exit code 2, not a traceback."""
    from applier.engine import ModelNotFoundError
    from evals.runs.compare import NotComparable
    from evals.runs.store import RunMismatch
    from training.git import GitError

    try:
        yield
    except (ValueError, RunMismatch, NotComparable, GitError, ModelNotFoundError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(2) from error


@app.command()
def accuracy(
    out: Out,
    cases: Cases = "written",
    repos: Repos = None,
    manifest: Manifest = "heldout",
    limit: Limit = None,
    category: Annotated[list[Category] | None, typer.Option(help="Only these categories.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Times that every case is applied.")] = 1,
    seed: Annotated[int, typer.Option(help="Chooses the cases of a limited run.")] = 0,
    baseline: Annotated[bool, typer.Option(help="Score the merge without a model beside it.")] = True,
    run_tests: Annotated[
        bool,
        typer.Option(
            "--run-tests",
            help="Run the tests that written cases carry: their code, in a temporary folder with limits.",
        ),
    ] = False,
    model: Model = None,
    backend: Backend = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    threads: Threads = None,
) -> None:
    """Byte-exact match with its interval, beside the no-model baseline."""
    from evals.report.terminal import print_accuracy
    from evals.runs.accuracy import run_accuracy
    from evals.runs.config import AccuracyConfig
    from evals.runs.select import limit_cases, load_cases
    from evals.runs.subjects import provenance_of

    with _usage_errors():
        config = AccuracyConfig(
            out=out,
            model=model,
            backend=backend,
            workers=workers,
            threads=threads,
            seed=seed,
            cases=cases,
            repos=tuple(repos or ()),
            manifest=manifest,
            limit=limit,
            categories=tuple(category or ()),
            repeats=repeats,
            baseline=baseline,
            run_tests=run_tests,
        )
        chosen = limit_cases(load_cases(cases, config.repos, manifest), limit, seed, config.categories)
        summary = run_accuracy(config, chosen, provenance_of(model))
    print_accuracy(Console(highlight=False), summary)


@app.command()
def stability(
    out: Out,
    cases: Cases = "written",
    repos: Repos = None,
    manifest: Manifest = "heldout",
    edits: Annotated[int, typer.Option(min=1, help="Edits that are repeated.")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds in each condition.")] = 1000,
    batch: Annotated[int, typer.Option(min=2, help="Most edits in a mixed batch.")] = 8,
    max_tokens: Annotated[int, typer.Option(min=1, help="Only edits with at most so long a prompt.")] = 400,
    seed: Annotated[int, typer.Option(help="Chooses the edits.")] = 0,
    model: Model = None,
    backend: Backend = "auto",
) -> None:
    """Repeat edits alone and in mixed batches, with 1 and 2 threads; count distinct results and logits."""
    from evals.report.terminal import print_stability
    from evals.runs.config import StabilityConfig
    from evals.runs.select import load_cases
    from evals.runs.stability import choose, run_stability
    from evals.runs.subjects import open_applier, provenance_of

    with _usage_errors():
        config = StabilityConfig(
            out=out,
            model=model,
            backend=backend,
            seed=seed,
            cases=cases,
            repos=tuple(repos or ()),
            manifest=manifest,
            edits=edits,
            repeats=repeats,
            batch=batch,
            max_tokens=max_tokens,
        )
        chosen = choose(open_applier(model, backend), load_cases(cases, config.repos, manifest), config)
        summary = run_stability(config, chosen, provenance_of(model))
    print_stability(Console(highlight=False), summary)


@app.command()
def chain(
    out: Out,
    repeats: Annotated[int, typer.Option(min=1, help="Times that every chain is walked.")] = 5,
    model: Model = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Ten edits that build on one another: are all of them right, and is the ending always the same?"""
    from evals.cases.chains import load_chains
    from evals.report.terminal import print_chains
    from evals.runs.chain import run_chains
    from evals.runs.config import ChainConfig
    from evals.runs.subjects import open_applier, provenance_of

    with _usage_errors():
        config = ChainConfig(out=out, model=model, backend=backend, threads=threads, repeats=repeats)
        subject = open_applier(model, backend, threads)
        summary = run_chains(config, load_chains(), subject, provenance_of(model))
    print_chains(Console(highlight=False), summary)


@app.command()
def audit(
    out: Out,
    backend: Annotated[
        str,
        typer.Option(
            help="samebytes, samebytes-grpc, openai, transformers, or loopback:FAULT (a known fault)."
        ),
    ],
    url: Annotated[str, typer.Option(help="openai: base URL; samebytes-grpc: host:port.")] = "",
    model: Annotated[
        str, typer.Option(help="openai: model name; transformers, samebytes: folder or id.")
    ] = "",
    gguf_file: Annotated[
        str | None, typer.Option(help="transformers: a GGUF file in the model's folder.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="transformers: bfloat16, float16 or float32.")] = "bfloat16",
    device: Annotated[str, typer.Option(help="transformers: cpu or cuda.")] = "cpu",
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of each answer.")] = 64,
    logprobs: Annotated[bool, typer.Option(help="openai: ask for the tokens of the answer.")] = False,
    repeats: Annotated[int, typer.Option(min=2, help="Requests in each condition.")] = 20,
    concurrency: Annotated[
        list[int] | None, typer.Option(min=1, help="Requests in flight; may be repeated.")
    ] = None,
    identical: Annotated[
        int, typer.Option(min=0, help="At least so many identical requests, over all conditions.")
    ] = 0,
) -> None:
    """Send identical requests under changing conditions and say what kind of determinism the server has.

    The key for an OpenAI-compatible server is read from OPENAI_API_KEY.
    """
    from evals.audit.run import AuditConfig, run_audit
    from evals.audit.targets.choose import open_target
    from evals.report.terminal import print_audit

    with _usage_errors():
        options: dict[str, str | int | bool | None] = {
            "url": url,
            "model": model,
            "gguf_file": gguf_file,
            "dtype": dtype,
            "device": device,
            "tokens": tokens,
            "logprobs": logprobs,
        }
        levels = tuple(sorted(set(concurrency or (2, 4, 8))))
        if max(levels) < 2:
            raise ValueError("an audit needs a concurrency of at least 2")
        config = AuditConfig(
            out=out,
            backend=backend,
            target_options=options,
            repeats=repeats,
            concurrencies=levels,
            identical=identical,
        )
        with open_target(backend, options) as (target, origin):
            summary = run_audit(config, target, origin)
    print_audit(Console(highlight=False), summary)


@app.command()
def compare(
    left: Annotated[Path, typer.Argument(help="Folder of an accuracy run.")],
    right: Annotated[Path, typer.Argument(help="Folder of another, over the same cases.")],
    force: Annotated[bool, typer.Option("--force", help="Compare across fingerprints, and say so.")] = False,
) -> None:
    """Compare two accuracy runs. Refuses across fingerprints unless forced."""
    from evals.report.terminal import print_comparison
    from evals.runs.compare import compare as compare_runs

    with _usage_errors():
        comparison = compare_runs(left, right, force)
    print_comparison(Console(highlight=False), comparison)


@app.command()
def rebaseline(
    out: Out,
    history: Annotated[Path, typer.Option(help="File of baselines; the new one is appended.")],
    model: Model = None,
    backend: Backend = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    threads: Threads = None,
) -> None:
    """Score the 200 reference cases under the present fingerprint and append the score to the history."""
    from evals.report.terminal import print_history
    from evals.runs.accuracy import run_accuracy
    from evals.runs.config import AccuracyConfig
    from evals.runs.history import History, reference_cases
    from evals.runs.subjects import provenance_of

    with _usage_errors():
        config = AccuracyConfig(
            out=out, model=model, backend=backend, workers=workers, threads=threads, cases="reference"
        )
        summary = run_accuracy(config, reference_cases(), provenance_of(model))
        log = History(history)
        log.add(summary)
    print_history(Console(highlight=False), log)


@app.command()
def mine(
    out: Annotated[Path, typer.Option(help="File to write, one case a line.")],
    repos: Annotated[list[Path], typer.Option(help="Folder of clones of the manifest's repositories.")],
    cases: Annotated[Literal["heldout", "habits"], typer.Option(help="Which edits to write.")] = "heldout",
    manifest: Manifest = "heldout",
) -> None:
    """Mine cases from local clones into a file, for --cases on a machine without them."""
    import json

    from evals.cases import case_to_json
    from evals.runs.select import load_cases

    with _usage_errors():
        mined = load_cases(cases, repos, manifest)
        out.write_text("".join(json.dumps(case_to_json(case)) + "\n" for case in mined), encoding="utf-8")
    Console(highlight=False).print(f"{len(mined)} cases in {out}")


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs and audits.")],
    out: Annotated[
        Path, typer.Option(help="The file to write: HTML, or with a name in .md the audits' comparison.")
    ] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Its heading.")] = "samebytes evals",
) -> None:
    """Write one self-contained file with the plots and tables of any number of runs, audits side by side."""
    from evals.report.html import write_report

    with _usage_errors():
        write_report(runs, out, title)
    Console(highlight=False).print(str(out))


if __name__ == "__main__":
    app()
