"""Accuracy, and the comparison of audits, as Markdown tables: for a model card, a README or a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.report.side_by_side import Cell, compare
from evals.report.tables import GROUPINGS, group_rows, score_rows


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "not measured"
    answer = f"**{_escaped(cell.answer)}**"
    return f"{answer}: {_escaped(cell.evidence)}" if cell.evidence else answer


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def _scores(scores: dict[str, Any]) -> list[list[str]]:
    """Heading and value; an indented heading belongs to the one before."""
    rows, last = [], ""
    for heading, value in score_rows(scores):
        last = heading if not heading.startswith(" ") else last
        rows.append([heading if heading == last else f"{last}, {heading.strip()}", value])
    return rows


def _accuracy(summary: dict[str, Any]) -> list[str]:
    """Scores of every bucket, then by language, format and habit."""
    origin, cases = summary["provenance"], Path(summary["cases"]).name
    measured = (origin["model"], origin["hardware"], origin["date"][:10])
    blocks = [f"Cases: {cases}, SHA-256 {summary['cases_sha256'][:16]}; {', '.join(measured)}."]
    for bucket in summary["buckets"]:
        scores = bucket["scores"]
        blocks.append(f"{bucket['n']} samples under the fingerprint `{bucket['fingerprint']}`:")
        blocks.append(_table([["score", "share"], *_scores(scores)]))
        for grouping in GROUPINGS:
            groups = scores[f"by_{grouping}"]
            if len(groups) > 1:
                headings, rows = group_rows(groups)
                blocks.append(_table([[grouping, *headings], *rows]))
    return blocks


def _audits(summaries: Sequence[dict[str, Any]]) -> list[str]:
    comparison = compare(summaries)
    if comparison is None:
        return []
    rows = [
        ["", *map(_escaped, comparison.targets)],
        ["Measured on", *map(_escaped, comparison.origins)],
        *([_escaped(row.heading), *map(_cell, row.cells)] for row in comparison.rows),
    ]
    return [_table(rows)]


def render(summaries: Sequence[dict[str, Any]], title: str) -> str:
    """The tables under the title. Raises ValueError where no summary is of accuracy, an audit or a drift
    count.
    """
    blocks = [block for summary in summaries if summary["kind"] == "accuracy" for block in _accuracy(summary)]
    blocks += _audits(summaries)
    if not blocks:
        raise ValueError("a Markdown report holds accuracy and audits; none of these runs is one")
    return "\n\n".join([f"# {title}", *blocks]) + "\n"
