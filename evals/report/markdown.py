"""The comparison of audits as a Markdown table, for a README or a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.report.side_by_side import Cell, compare


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "not measured"
    answer = f"**{_escaped(cell.answer)}**"
    return f"{answer}: {_escaped(cell.evidence)}" if cell.evidence else answer


def render(summaries: Sequence[dict[str, Any]], title: str) -> str:
    """The table under its title. Raises ValueError where no summary is of an audit or a drift count."""
    comparison = compare(summaries)
    if comparison is None:
        raise ValueError("a Markdown report compares audits; none of these runs is one")
    rows = [
        ["", *map(_escaped, comparison.targets)],
        ["---"] * (len(comparison.targets) + 1),
        ["Measured on", *map(_escaped, comparison.origins)],
        *([_escaped(row.heading), *map(_cell, row.cells)] for row in comparison.rows),
    ]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"# {title}\n\n{table}\n"
