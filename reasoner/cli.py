"""`samebytes edit`, `replay`, `backends`, `probe-seed` and `recover`."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from applier.exits import DONE, REFUSED
from applier.types import EditFormat, EditOptions
from applier.workspace.errors import WorkspaceError
from reasoner import render
from reasoner.backends import Backend, BackendSettings, create
from reasoner.capabilities import CAPABILITIES
from reasoner.credentials import redact_logs
from reasoner.errors import ReasonerError
from reasoner.types import ProposeOptions, Sampling

app = typer.Typer(no_args_is_help=True, pretty_exceptions_show_locals=False)

BackendOption = Annotated[
    str, typer.Option("--backend", "-b", help="NAME or NAME:MODEL; 'samebytes backends' lists the names.")
]
ModelOption = Annotated[str, typer.Option(help="The model's name, or a file for a local backend.")]
UrlOption = Annotated[str | None, typer.Option(help="The server's address, where it is not the usual one.")]
TimeoutOption = Annotated[float, typer.Option(help="Seconds for one call.", min=0.1)]
ApplyOption = Annotated[
    str | None, typer.Option("--apply", help="grpc://HOST:PORT of a server; else in process.")
]
ApplyModelOption = Annotated[
    Path | None, typer.Option(help="The apply model by name or folder, instead of the default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def edit(
    task: Annotated[str, typer.Argument(help="What is to be done, in words.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[FILES]...", show_default=False)] = None,
    files: Annotated[list[str] | None, typer.Option("--files", "-f", help="Files to edit.")] = None,
    backend: BackendOption = "openai",
    model: ModelOption = "",
    base_url: UrlOption = None,
    format: Annotated[EditFormat, typer.Option(help="The edit format to ask for.")] = EditFormat.LAZY,
    tools: Annotated[
        bool, typer.Option("--tools", help="Ask by tool call, where the backend has it.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Stream the reply.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed to send.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Temperature to send.", min=0.0)] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest reply.", min=1)] = 4096,
    rounds: Annotated[int, typer.Option(help="Most calls of the model.", min=1, max=20)] = 3,
    root: Annotated[Path, typer.Option(help="The folder that may be written to.")] = Path("."),
    ledger: Annotated[
        Path | None, typer.Option(help="Default: .samebytes/ledger.sqlite under the root.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A place that tools run, such as '.github/workflows/**', that may be edited."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diffs and write nothing.")] = False,
    create_files: Annotated[bool, typer.Option("--create/--no-create", help="Allow new files.")] = True,
    delete_files: Annotated[bool, typer.Option("--delete/--no-delete", help="Allow deleting files.")] = False,
    syntax_gate: Annotated[bool, typer.Option(help="Refuse edits that bring syntax errors.")] = True,
    exact_only: Annotated[
        bool, typer.Option("--exact-only", help="Refuse what is not exact; no apply model.")
    ] = False,
    timeout: TimeoutOption = 600.0,
    apply: ApplyOption = None,
    apply_model: ApplyModelOption = None,
) -> None:
    """Have a reasoning model do TASK on FILES; apply its edits, and write all files or none.

    Ends with 0 when every edit applied, 2 for a wrong request, 3 when an edit was refused (nothing is
    written), and 5 when the model could not be asked.
    """
    from applier.workspace.transaction import Workspace
    from reasoner.apply import connect
    from reasoner.loop import LoopOptions, Outcome, Run
    from reasoner.recording.ledger import Ledger
    from reasoner.recording.record import Recorder

    console = Console(highlight=False, soft_wrap=True)

    async def work() -> int:
        workspace = Workspace(root, allow or ())
        if recovered := workspace.recover():
            how = "finished" if recovered.forward else "took back"
            console.print(f"{how} what an earlier run left half done: {escape(', '.join(recovered.paths))}")
        options = LoopOptions(
            ProposeOptions(format, tools, Sampling(seed, temperature, None, max_tokens, stream)),
            EditOptions(allow_model=not exact_only, syntax_gate=syntax_gate),
            rounds=rounds,
            dry_run=dry_run,
            allow_create=create_files,
            allow_delete=delete_files,
        )
        reasoner = _backend(backend, model, base_url, timeout)
        applier = connect(apply, apply_model)
        try:
            workspace.prepare()
            with Ledger(ledger or workspace.state / "ledger.sqlite") as book:
                run = Run(
                    workspace,
                    reasoner,
                    applier,
                    Recorder(book),
                    options,
                    on_round=lambda current: render.show_round(console, current),
                )
                result = await run.edit(
                    task, [_relative(path, root) for path in [*(files or []), *(more or [])]]
                )
                render.show_run(console, result, book.head)
        finally:
            await reasoner.aclose()
            await applier.aclose()
        return REFUSED if result.outcome is Outcome.REFUSED else DONE

    _run(work)


@app.command()
def replay(
    ledger: Annotated[Path, typer.Argument(help="The ledger to replay.", show_default=False)],
    head: Annotated[
        str | None, typer.Option(help="The head that the ledger must have, as it was noted elsewhere.")
    ] = None,
    apply: ApplyOption = None,
    apply_model: ApplyModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply every recorded edit again and prove that the same bytes come out.

    Ends with 0 when they do, and with 1 at the first difference, which it names.
    """
    from reasoner.apply import connect
    from reasoner.replay import replay as run_replay

    console = Console(highlight=False, soft_wrap=True)

    async def work() -> int:
        applier = connect(apply, apply_model)
        try:
            report = await run_replay(ledger, applier, head)
        finally:
            await applier.aclose()
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(report)))
        elif report.difference is not None:
            console.print(f"[red]different[/]: {escape(render.printable(str(report.difference)))}")
        else:
            console.print(
                f"{report.edits} edits replayed, every byte equal; {report.entries} entries and "
                f"{report.blobs} kept texts are as they were written; ledger head {report.head}"
            )
            if not report.head_noted:
                console.print("  (no head was noted: whether the end of the ledger is missing is not known)")
            others = [name for name in report.fingerprints if name != report.fingerprint_here]
            if others:
                console.print(f"  (recorded with another fingerprint: {', '.join(others)})")
        return 0 if report.difference is None else 1

    _run(work)


@app.command()
def backends(as_json: JsonOption = False) -> None:
    """List the backends and what each does with a seed."""
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(row) for row in CAPABILITIES]))
    else:
        render.show_backends(Console(highlight=False))


@app.command("probe-seed")
def probe_seed(
    backend: BackendOption,
    model: ModelOption = "",
    base_url: UrlOption = None,
    calls: Annotated[int, typer.Option("-n", "--calls", help="Calls a group.", min=2, max=1000)] = 8,
    temperature: Annotated[float, typer.Option(help="Above 0.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="Length of a reply.", min=1)] = 32,
    alpha: Annotated[float, typer.Option(help="Significance level.", min=0.0, max=0.5)] = 0.01,
    concurrency: Annotated[int, typer.Option(help="Calls at a time.", min=1)] = 1,
    prompt: Annotated[str | None, typer.Option(help="What to ask.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Record the calls in this ledger.")] = None,
    timeout: TimeoutOption = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Find out what a deployment does with a seed: honoured, best effort, ignored or rejected.

    Ends with 0 when the verdict is no worse than what the backend documents, else with 1.
    """
    from reasoner.recording.ledger import Ledger
    from reasoner.recording.record import Recorder
    from reasoner.seeds.probe import PROMPT, ProbeOptions, is_surprise, probe

    async def work() -> int:
        reasoner = _backend(backend, model, base_url, timeout)
        options = ProbeOptions(calls, temperature, max_tokens, alpha, concurrency, prompt or PROMPT)
        book = Ledger(ledger) if ledger else None
        try:
            report = await probe(reasoner, options, Recorder(book).call)
        finally:
            await reasoner.aclose()
            if book:
                book.close()
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(report)))
        else:
            render.show_probe(
                Console(highlight=False, soft_wrap=True), f"{reasoner.name} {reasoner.model}", report
            )
        return 1 if is_surprise(report, reasoner.capability.seed) else 0

    _run(work)


@app.command()
def recover(root: Annotated[Path, typer.Argument(help="The folder that was edited.")] = Path(".")) -> None:
    """Finish, or take back, what a killed `samebytes edit` left half done."""
    from applier.workspace.transaction import Workspace

    async def work() -> int:
        recovered = Workspace(root).recover()
        if recovered is None:
            typer.echo("nothing to recover")
        else:
            typer.echo(f"{'finished' if recovered.forward else 'took back'}: {', '.join(recovered.paths)}")
        return 0

    _run(work)


def _backend(spec: str, model: str, base_url: str | None, timeout: float) -> Backend:
    name, _, rest = spec.partition(":")
    backend = create(BackendSettings(name, model or rest, base_url, timeout=timeout))
    redact_logs()
    return backend


def _relative(path: str, root: Path) -> str:
    """A path as given on the command line, relative to the root, with forward slashes."""
    absolute = Path(os.path.abspath(path))
    base = Path(os.path.abspath(root))
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else path


def _run(work: Callable[[], Any]) -> None:
    """Run a command to its exit status; a typed error is a message, never a traceback."""
    try:
        status = asyncio.run(work())
    except (ReasonerError, WorkspaceError) as error:
        typer.echo(f"error: {render.printable(str(error))}", err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written", err=True)
        raise typer.Exit(130) from None
    raise typer.Exit(status)


if __name__ == "__main__":
    app()
