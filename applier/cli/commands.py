"""Every command of `samebytes`: its name, where its typer app is, and its line in the help.

Apps are named by text and imported when their command is used, so that `samebytes apply` starts without
importing what trains or measures, and so that this package depends on no package above it. To add a command,
write a module with a `typer.Typer` and add a line here.
"""

from __future__ import annotations

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """`target` is "module:attribute" of a typer.Typer with one command, or with several."""

    name: str
    target: str
    help: str


COMMANDS = (
    CommandEntry("apply", "applier.cli.apply:app", "Apply an edit to a file."),
    CommandEntry("serve", "applier.cli.serve:app", "Serve edits over gRPC."),
    CommandEntry("model", "applier.cli.model:app", "Fetch, convert and list models."),
    CommandEntry(
        "fingerprint", "applier.cli.fingerprint:app", "Print what decides this installation's answers."
    ),
)
