"""Every command of `samebytes`: its name, where its typer app is, and its line in the help.

Apps are named by text and imported when their command is used, so that `samebytes apply` starts without
importing what trains or measures, and so that this package depends on no package above it. To add a command,
write a module with a `typer.Typer` and add a line here.
"""

from __future__ import annotations

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """`target` is "module:attribute" of a typer.Typer: with one command, with a command of this name, or with
    several that become sub-commands of this name.
    """

    name: str
    target: str
    help: str


COMMANDS = (
    CommandEntry("apply", "applier.cli.apply:app", "Apply an edit to a file."),
    CommandEntry("serve", "applier.cli.serve:app", "Serve edits over gRPC."),
    CommandEntry(
        "http", "applier.cli.http:app", "Serve edits over HTTP, in the shapes of other apply models."
    ),
    CommandEntry("mcp", "applier.cli.mcp:app", "Serve tools that edit files to an agent, over MCP."),
    CommandEntry("edit", "reasoner.cli:app", "Have a reasoning model propose an edit, and apply it."),
    CommandEntry("replay", "reasoner.cli:app", "Apply recorded edits again and compare the bytes."),
    CommandEntry("recover", "reasoner.cli:app", "Finish or take back what a killed edit left half done."),
    CommandEntry("backends", "reasoner.cli:app", "List the backends and what each does with a seed."),
    CommandEntry("probe-seed", "reasoner.cli:app", "Measure what a backend does with a seed."),
    CommandEntry("eval", "evals.cli:app", "Measure accuracy, stability and anybody's determinism."),
    CommandEntry("train", "training.cli:app", "Make the apply model from git histories."),
    CommandEntry("model", "applier.cli.model:app", "Fetch, convert and list models."),
    CommandEntry("selftest", "applier.cli.selftest:app", "Check this machine's arithmetic by known answers."),
    CommandEntry("fingerprint", "applier.cli.fingerprint:app", "Print what decides the answers given here."),
)
