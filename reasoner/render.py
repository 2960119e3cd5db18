"""What the commands print."""

from __future__ import annotations

import re

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from applier.workspace.journal import Change
from reasoner.capabilities import CAPABILITIES
from reasoner.loop import Outcome, Round, RunResult
from reasoner.seeds.probe import ProbeReport

# Control characters other than tab: a model's text must not drive the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIFF_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))


def printable(text: str) -> str:
    """`text` with control characters shown as escapes."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def show_backends(console: Console) -> None:
    """The capability table, and a note for each backend."""
    table = Table(
        title="what each backend does with a seed, as documented",
        box=box.SIMPLE,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in ("backend", "seed", "fingerprint", "logprobs", "tools", "tried"):
        table.add_column(column, no_wrap=True)
    for row in CAPABILITIES:
        table.add_row(
            row.name,
            str(row.seed),
            "yes" if row.fingerprint else "no",
            "yes" if row.logprobs else "no",
            "yes" if row.tools else "no",
            str(row.tried),
        )
    console.print(table)
    for row in CAPABILITIES:
        console.print(Text.assemble((row.name, "bold"), f": {row.title}; {row.note}"), soft_wrap=True)


def show_round(console: Console, current: Round) -> None:
    """One call and what came of its edits."""
    facts = current.proposal.completion.facts
    console.print(
        f"round {current.number}: {escape(facts.backend)} answered in {facts.elapsed_ms / 1000:.1f} s "
        f"(model {escape(facts.model or facts.model_requested)}, seed sent {facts.seed_sent}, "
        f"fingerprint {escape(str(facts.system_fingerprint))})"
    )
    for notice in current.proposal.completion.notices:
        console.print(f"  note: {escape(notice)}")
    for problem in current.proposal.problems:
        console.print(f"  [red]unusable[/]: {escape(printable(problem.message))}")
    for step in current.steps:
        path = escape(printable(step.edit.path))
        if step.answer is not None:
            said = printable(" ".join(step.answer.text.split())[:60])
            console.print(f"  shown the offered change of {path}, the model said: {escape(said)}")
        if step.problem:
            console.print(f"  [red]refused[/] {path}: {escape(printable(step.problem))}")
        elif step.result is None:
            console.print(f"  [green]{step.edit.action}[/] {path}")
        else:
            tier = f"{step.result.tier} tier, confidence {step.result.confidence:.3f}"
            console.print(f"  [green]{step.result.status}[/] {path} ({tier})")


def show_change(console: Console, change: Change) -> None:
    """The unified diff of one file."""
    from applier.text.unified_diff import unified_diff

    diff = unified_diff(change.old or b"", change.new or b"", change.path)
    for line in printable(diff.decode("utf-8", "replace")).splitlines():
        style = next((style for prefix, style in _DIFF_STYLES if line.startswith(prefix)), "")
        console.print(Text(line, style))


def show_run(console: Console, result: RunResult, head: str | None) -> None:
    """The diffs, and how the run ended."""
    if result.outcome is not Outcome.REFUSED:
        for change in result.changes:
            show_change(console, change)
    names = ", ".join(escape(change.path) for change in result.changes)
    closing = {
        Outcome.WRITTEN: f"wrote {names}",
        Outcome.UNCHANGED: "nothing to change: the files already have these edits",
        Outcome.DRY_RUN: f"dry run: would write {names}",
        Outcome.REFUSED: "nothing was written; not applied:",
    }
    console.print(closing[result.outcome])
    for message in result.unresolved:
        console.print(f"  {escape(printable(message))}")
    if head:
        console.print(f"ledger head {head}")


def show_probe(console: Console, backend: str, report: ProbeReport) -> None:
    """The verdict and what it rests on."""
    console.print(f"[bold]{escape(backend)}: {report.verdict}[/]: {escape(report.why)}")
    if report.test is None:
        return
    test = report.test
    how = "all" if test.exact else "a sample of"
    console.print(
        f"  one seed: {len(set(report.same_seed))} distinct of {len(report.same_seed)}, agreement "
        f"{test.agreement_first:.3f}; different seeds: {len(set(report.other_seeds))} of "
        f"{len(report.other_seeds)}, agreement {test.agreement_second:.3f}"
    )
    console.print(
        f"  permutation test over {how} {test.relabellings} relabellings: p = {test.p_value:.3g} "
        f"(least possible {test.smallest_p:.3g})"
    )
    console.print(
        f"  models {escape(', '.join(report.models) or 'not reported')}; fingerprints "
        f"{escape(', '.join(report.fingerprints) or 'none')}; seeds sent {report.seeds_sent}, "
        f"echoed {report.seeds_echoed}"
    )
