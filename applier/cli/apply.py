"""`samebytes apply FILE --edit EDITFILE`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from applier.cli.as_json import result_to_dict
from applier.exits import DONE, REFUSED, USAGE, CommandError
from applier.files import read_file, replace_file
from applier.types import EditFormat, EditOptions, EditRequest, EditResult, Status

app = typer.Typer(add_completion=False)


@app.command()
def apply(
    edit: Annotated[str, typer.Option(help="A file that holds the edit, or - for standard input.")],
    file: Annotated[
        Path | None, typer.Argument(help="The file to edit; none with --repo.", show_default=False)
    ] = None,
    repo: Annotated[
        Path | None, typer.Option(help="A folder: apply a patch of several of its files, all or nothing.")
    ] = None,
    format: Annotated[EditFormat, typer.Option(help="How the edit is written.")] = EditFormat.AUTO,
    instruction: Annotated[str, typer.Option(help="What the edit is for, in words.")] = "",
    language: Annotated[
        str | None, typer.Option(help="The language, where the name does not tell it.")
    ] = None,
    expect_sha256: Annotated[
        str | None, typer.Option(help="Refuse unless the file has this SHA-256.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Replace the file, atomically.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    root: Annotated[Path, typer.Option(help="The file must be under this folder.")] = Path(),
    model: Annotated[
        Path | None, typer.Option(help="A model by name or folder, instead of the default.")
    ] = None,
    exact_only: Annotated[
        bool, typer.Option("--exact-only", help="Refuse what is not exact; no model.")
    ] = False,
    free: Annotated[bool, typer.Option("--free", help="Let the model write lines of its own.")] = False,
    syntax_gate: Annotated[bool, typer.Option(help="Refuse an edit that adds a syntax error.")] = True,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1, help="Refuse below this.")] = None,
    accept: Annotated[
        str | None, typer.Option(help="Apply exactly the offer with this digest, which a refusal made.")
    ] = None,
) -> None:
    """Apply an edit to a file, and show the diff, what was validated, and the receipt.

    The file is changed only with --write. Exit code 0: applied, or already there; 3: refused.
    """
    for name, digest in (("--expect-sha256", expect_sha256), ("--accept", accept)):
        if digest and not re.fullmatch("[0-9a-fA-F]{64}", digest):
            raise CommandError(f"{name} {digest}: a SHA-256 has 64 hexadecimal digits", USAGE)
    options = EditOptions(
        allow_model=not exact_only,
        constrain_to_known_lines=not free,
        syntax_gate=syntax_gate,
        min_confidence=min_confidence,
        accept=accept.lower() if accept else None,
    )
    if repo is not None:
        if file is not None or language or expect_sha256 or accept or format is not EditFormat.AUTO:
            raise CommandError(
                "--repo takes a patch that names its files: no FILE, and no option of one", USAGE
            )
        from applier.cli.apply_repo import apply_to_repo
        from applier.loading import load_applier

        patch = _read_edit(edit)
        raise typer.Exit(
            apply_to_repo(repo, patch, instruction, options, write, as_json, lambda: load_applier(model))
        )
    if file is None:
        raise CommandError("name the file to edit, or a folder with --repo", USAGE)
    if file.is_dir():
        raise CommandError(f"{file}: a folder; name the one file that the edit is for", USAGE)
    snapshot = read_file(file, root)
    request = EditRequest(
        original=snapshot.content,
        edit=_read_edit(edit),
        path="/".join(snapshot.parts),
        language=language,
        format=format,
        instruction=instruction,
        expected_sha256=expect_sha256.lower() if expect_sha256 else None,
        options=options,
    )
    result = _apply(request, model)
    written = write and result.status is Status.APPLIED
    if written:
        replace_file(snapshot, result.content)
    if as_json:
        print(json.dumps({"path": str(file), "written": written, **result_to_dict(result)}, indent=2))
    else:
        from applier.cli.render import print_result

        print_result(Console(highlight=False), result, written)
    raise typer.Exit(REFUSED if result.status is Status.REFUSED else DONE)


def _read_edit(edit: str) -> bytes:
    if edit == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(edit).read_bytes()
    except OSError as error:
        raise CommandError(f"{edit}: {error.strerror}", USAGE) from error


def _apply(request: EditRequest, model: Path | None) -> EditResult:
    from applier.loading import load_applier

    return load_applier(model).apply(request)
