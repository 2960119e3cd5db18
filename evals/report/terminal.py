"""The summary of a run for the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.measure.compare import Comparison
from evals.measure.history import History
from evals.measure.rates import Rate
from evals.measure.rules import Answer, RuleCounts
from evals.measure.summary import Summary
from evals.report.tables import GROUPINGS, group_rows, score_rows, share
from evals.runs.provenance import Provenance

_COLOURS = {
    "found": "red",
    "no": "red",
    "suspected": "yellow",
    "unclear": "yellow",
    "not found": "green",
    "yes": "green",
}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _head(console: Console, provenance: Provenance, warning: str | None) -> None:
    if warning:
        console.print(Text(f"WARNING: {warning}", style="bold red"))
    console.print(
        Text(
            f"{provenance.date}  {provenance.model}  fingerprint {provenance.fingerprint}  "
            f"numerics {provenance.numerics_version}\n{provenance.hardware}; {provenance.software}; "
            f"caches: {provenance.caches}",
            style="dim",
        )
    )


def _rate(value: dict[str, Any]) -> str:
    return str(Rate.model_validate(value))


def print_accuracy(console: Console, summary: Summary) -> None:
    """Scores of every bucket, then by category and language."""
    _head(console, summary.provenance, summary.warning)
    for bucket in summary.buckets:
        scores = bucket.scores
        table = _table(
            f"Accuracy, {summary.cases} cases, fingerprint {bucket.fingerprint[:16]}", "Score", "Value"
        )
        for heading, value in score_rows(scores):
            table.add_row(heading, value)
        for name, count in scores["refusal_reasons"].items():
            table.add_row(f"  refused as {name}", str(count))
        table.add_row("Samples; repeats; unscored", f"{bucket.n}; {bucket.repeats}; {bucket.unscored}")
        agreement = scores["agreement"]
        if "TARr" in agreement:
            table.add_row(
                f"TARr@{agreement['N']}; TARa@{agreement['N']}; Std@Acc",
                f"{agreement['TARr']:.4f}; {agreement['TARa']:.4f}; {agreement['Std@Acc']}",
            )
        if scores["ms_median"] is not None:
            table.add_row(
                "Time of an edit: median; 95th percentile",
                f"{scores['ms_median']:.0f} ms; {scores['ms_p95']:.0f} ms",
            )
            table.add_row(
                "Processor time of an edit: median; mean",
                f"{scores['cpu_ms_median']:.0f} ms; {scores['cpu_ms_mean']:.0f} ms of one core",
            )
        console.print(table)
        for name in GROUPINGS:
            if len(scores[f"by_{name}"]) > 1:
                headings, rows = group_rows(scores[f"by_{name}"])
                groups = _table(f"By {name}", name, *headings)
                for row in rows:
                    groups.add_row(*row)
                console.print(groups)
    console.print(Text(f"cases {summary.cases_sha256}", style="dim"))


def print_stability(console: Console, summary: Summary) -> None:
    """What was repeated, and what was distinct."""
    _head(console, summary.provenance, summary.warning)
    for bucket in summary.buckets:
        table = _table(f"Edit stability, fingerprint {bucket.fingerprint[:16]}", "Measured", "Value")
        for name, value in bucket.scores["lines"].items():
            table.add_row(name, str(value))
        console.print(table)


def print_chains(console: Console, summary: Summary) -> None:
    """Steps right and endings, chain by chain."""
    _head(console, summary.provenance, summary.warning)
    for bucket in summary.buckets:
        table = _table("Chains of dependent edits", "Chain", "Repeats", "Steps right", "Distinct endings")
        for name, chain in bucket.scores["chains"].items():
            steps = f"{chain['steps_right']} of {chain['steps']}"
            table.add_row(name, str(chain["repeats"]), steps, str(chain["distinct_endings"]))
        console.print(table)


def print_rules(console: Console, counts: RuleCounts) -> None:
    """Answers by rule, and the first edits that were answered with wrong bytes."""
    table = _table("Edits whose answers are known", "Rule", *(answer.value for answer in Answer))
    for rule in sorted({rule for rule, _ in counts.answers}):
        of_rule = [answers for (name, _), answers in counts.answers.items() if name == rule]
        table.add_row(rule, *(str(sum(answers[answer] for answers in of_rule)) for answer in Answer))
    table.add_row("all", *(str(counts.total[answer]) for answer in Answer))
    console.print(table)
    for case in counts.wrong[:5]:
        console.print(Text(f"wrong bytes: {case.rule}, {case.format}, {case.path}", style="bold"))
        console.print(Text(case.edit.decode()))


def print_audit(console: Console, summary: dict[str, Any]) -> None:
    """The verdict, the conditions and the answers."""
    _head(console, Provenance.model_validate(summary["provenance"]), summary["warning"])
    verdicts = _table(f"Audit of {summary['target']}", "Variance", "Finding", "Because")
    for kind in ("sampler", "batch", "backend"):
        verdict = summary["verdicts"][kind]
        finding = Text(verdict["finding"], style=_COLOURS.get(verdict["finding"], ""))
        verdicts.add_row(kind, finding, "\n".join(verdict["reasons"]))
    console.print(verdicts)
    identical = summary["identical"]
    distinct = f"{identical['distinct']} distinct of {identical['n']} identical requests"
    if identical["distinct_digests"]:
        distinct += f", {identical['distinct_digests']} distinct logits"
    console.print(Text(f"{distinct}; {summary['memo']['from_memo']} replies from a memo", style="bold"))
    conditions = _table(
        "Conditions", "Condition", "In flight", "Requests", "Distinct", "Differ", "Other logits", "Failed"
    )
    for c in summary["conditions"]:
        differ = f"{c['mismatches']} of {c['compared']}"
        conditions.add_row(
            c["name"],
            str(c["concurrency"]),
            str(c["n"]),
            str(c["distinct"]),
            differ,
            str(c["digest_mismatches"]) if c["distinct_digests"] else "",
            str(c["errors"]),
        )
    console.print(conditions)
    questions = _table("Questions to ask before buying", "Question", "Answer", "Evidence")
    for q in summary["questions"]:
        questions.add_row(
            q["question"], Text(q["answer"], style=_COLOURS.get(q["answer"], "")), q["evidence"]
        )
    console.print(questions)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Both scores, the label where one is due, and what changed."""
    if comparison.label:
        console.print(Text(comparison.label, style="bold red"))
    table = _table(f"Comparison over {comparison.cases} cases", "", "Value")
    table.add_row("left, byte-exact", str(comparison.left))
    table.add_row("right, byte-exact", str(comparison.right))
    table.add_row("won; lost by the right", f"{len(comparison.won)}; {len(comparison.lost)}")
    table.add_row("McNemar's exact test", f"p = {comparison.p_value:.3g}")
    table.add_row("cases with other bytes", str(len(comparison.changed)))
    console.print(table)
    if comparison.changed and not comparison.label:
        broken = ", ".join(comparison.changed[:10])
        console.print(
            Text(f"The contract is broken: one fingerprint, other bytes, in {broken}", style="bold red")
        )


def print_history(console: Console, history: History, fingerprint: str, cases_sha256: str) -> None:
    """Every baseline, oldest first, and whether the present fingerprint has one."""
    table = _table("History on the reference set", "Date", "Fingerprint", "Model", "Byte-exact; 95 %")
    for entry in history.entries:
        cells = (entry.date[:10], entry.fingerprint[:16], entry.model, share(entry.byte_exact.model_dump()))
        table.add_row(*cells)
    if history.entries:
        console.print(table)
    known = history.latest(fingerprint, cases_sha256)
    if known is not None:
        console.print(
            Text(f"fingerprint {fingerprint[:16]} has its baseline, of {known.date}", style="green")
        )
    else:
        console.print(
            Text(
                f"fingerprint {fingerprint[:16]} has no baseline on this reference set: "
                "run `samebytes eval rebaseline` before its scores are read",
                style="yellow",
            )
        )
