"""`samebytes eval`: accuracy, stability, chains, audits, comparisons, reports and benchmarks."""

from __future__ import annotations

import typer

from evals.cli import accuracy, audit, fingerprints, report, stability
from evals.cli.bench import app as bench

app = typer.Typer(add_completion=False, no_args_is_help=True)

app.command()(accuracy.accuracy)
app.command()(accuracy.mine)
app.command()(stability.stability)
app.command()(stability.chain)
app.command()(stability.rules)
app.command()(audit.audit)
app.command()(fingerprints.compare)
app.command()(fingerprints.rebaseline)
app.command("history")(fingerprints.show_history)
app.command()(report.report)
app.add_typer(bench, name="bench")
