"""The root of the command line."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from applier.cli.commands import COMMANDS, CommandEntry
from applier.exits import explain


class LazyGroup(TyperGroup):
    """A group whose listed commands are names and help lines; the one that is used is imported."""

    def __init__(self, entries: tuple[CommandEntry, ...], **settings: Any) -> None:
        listed: dict[str, Any] = {
            entry.name: TyperCommand(entry.name, callback=None, help=entry.help) for entry in entries
        }
        super().__init__(commands=listed, **settings)
        self._targets = {entry.name: entry.target for entry in entries}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Replaces the listed command by the real one."""
        name, listed, rest = super().resolve_command(ctx, args)
        return (name, load_command(name, self._targets[name]), rest) if name else (name, listed, rest)


def load_command(name: str, target: str) -> Any:
    """Import an app by "module:attribute", and take the command of that name out of it where it has one."""
    module, attribute = target.split(":")
    command = get_command(getattr(importlib.import_module(module), attribute))
    if isinstance(command, TyperGroup):
        command = command.commands.get(name, command)
    command.name = name
    return command


root = LazyGroup(
    COMMANDS,
    name="samebytes",
    help="Same file + same edit = same bytes: every time, in any batch, on any machine.",
    epilog="Exit codes: 0 applied or already there, 2 wrong usage, 3 refused, 4 internal error. "
    "--version prints the version.",
    no_args_is_help=True,
)


def main(args: list[str] | None = None) -> NoReturn:
    """Run one command and exit; an exception becomes a message and an exit code, never a traceback."""
    if (sys.argv[1:] if args is None else args) == ["--version"]:
        print(f"samebytes {importlib.metadata.version('samebytes')}")
        sys.exit(0)
    try:
        root.main(args, prog_name="samebytes")
    except Exception as error:
        message, code = explain(error)
        Console(stderr=True).print(
            Text("error: ", "bold red").append(message, "not bold default"), soft_wrap=True
        )
        sys.exit(code)
    sys.exit(0)
