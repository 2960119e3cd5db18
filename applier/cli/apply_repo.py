"""`samebytes apply --repo`: a patch of several files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from applier.exits import DONE, REFUSED
from applier.patches.apply import apply_patch
from applier.patches.types import PatchRequest, PatchResult
from applier.receipt import sha256
from applier.types import AppliesEdits, EditOptions, Status
from applier.workspace import patches
from applier.workspace.transaction import Workspace


def apply_to_repo(
    root: Path,
    patch: bytes,
    instruction: str,
    options: EditOptions,
    write: bool,
    as_json: bool,
    load: Callable[[], AppliesEdits],
) -> int:
    """Show what the patch does to the files under `root`, and with `write` do it; the exit code.

    Raises WorkspaceError and FileError; no file is changed then.
    """
    workspace = Workspace(root)
    recovered = workspace.recover()
    files = patches.read_mentioned(workspace, patch)
    result = apply_patch(load(), PatchRequest(files, patch, instruction, options))
    patches.check(workspace, result.changes)
    written = write and result.status is Status.APPLIED
    if written:
        patches.write(workspace, result.changes)
    if as_json:
        print(json.dumps({"written": written, **_fields(result)}, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        if recovered is not None:
            how = "finished" if recovered.forward else "took back"
            names = ", ".join(recovered.paths)
            console.print(Text(f"{how} what an earlier run left half done: {names}"))
        _print(console, result, written)
    return REFUSED if result.status is Status.REFUSED else DONE


def _fields(result: PatchResult) -> dict[str, Any]:
    return {
        "status": result.status,
        "files": [
            {
                "path": change.path,
                "moved_from": change.moved_from,
                "old_sha256": None if change.old is None else sha256(change.old),
                "sha256": None if change.new is None else sha256(change.new),
            }
            for change in result.changes
        ],
        "diff": result.diff.decode("utf-8", "replace"),
        "receipt": dataclasses.asdict(result.receipt),
        "refusals": [dataclasses.asdict(refusal) for refusal in result.refusals],
        "edits": [{"path": path, "status": edit.status, "tier": edit.tier} for path, edit in result.edits],
    }


def _print(console: Console, result: PatchResult, written: bool) -> None:
    from applier.cli.render import colored_diff

    if result.diff:
        console.print(colored_diff(result.diff))
    for refusal in result.refusals:
        where = f"line {refusal.patch_line} of the patch: " if refusal.patch_line else ""
        text = Text(f"{where}{refusal.path or 'the patch'}: {refusal.reason}: ", "bold")
        console.print(text.append(refusal.message, "not bold"))
        for place in refusal.candidates:
            console.print(Text(f"candidate: lines {place.start} to {place.end} of {refusal.path}"))
    line = Text(result.status.value.replace("_", " "), "bold red" if result.refusals else "bold green")
    if result.status is Status.APPLIED:
        line.append(" and written" if written else " (not written; --write writes all files or none)")
    elif result.status is Status.REFUSED:
        line.append("; no file was changed", "default")
    console.print(line)
    for name, value in dataclasses.asdict(result.receipt).items():
        console.print(Text(f"{name.removesuffix('_sha256'):<12} {value}"))
