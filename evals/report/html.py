"""One self-contained HTML report of any number of runs and audits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from evals.measure.rates import Rate
from evals.report import markdown, plots, side_by_side
from evals.report.tables import GROUPINGS, group_rows, score_rows

KINDS = ("accuracy", "stability", "chain", "audit", "batch_drift")


def load(folder: Path) -> dict[str, Any]:
    """The summary of a run's folder. Raises ValueError where there is none of a known kind."""
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder} holds no finished run: {error}") from error
    if not isinstance(summary, dict) or summary.get("kind") not in KINDS:
        raise ValueError(f"{path} is of no kind that can be reported ({', '.join(KINDS)})")
    return summary


def _distinct_series(summaries: Sequence[dict[str, Any]]) -> list[plots.Series]:
    series: list[plots.Series] = []
    for summary in summaries:
        if summary["kind"] == "audit":
            points = [
                (float(c["concurrency"]), float(c["distinct"]))
                for c in summary["conditions"]
                if c["name"] == "alone" or c["name"].startswith("concurrency")
            ]
            series.append(plots.Series(summary["target"], points))
        elif summary["kind"] == "batch_drift":
            for number, result in enumerate(summary["prompts"].values(), start=1):
                sizes = result["by_batch_size"].items()
                points = [(float(size), float(r["distinct_outputs"])) for size, r in sizes]
                series.append(plots.Series(f"{summary['target']}, prompt {number}", points))
    return [line for line in series if line.points]


def _divergences(summaries: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[int]]]:
    """(name, unit, positions) of each audit and drift count."""
    found: list[tuple[str, str, list[int]]] = []
    for summary in summaries:
        if summary["kind"] == "audit":
            positions = [p for c in summary["conditions"] for p in c["divergences"]]
            found.append((summary["target"], summary["unit"], positions))
        elif summary["kind"] == "batch_drift":
            positions = [p for r in summary["prompts"].values() for p in r["divergence_positions"]]
            found.append((summary["target"], "token", positions))
    return found


def _figures(summaries: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """(caption, svg) of what the audits have in common."""
    figures: list[tuple[str, str]] = []
    series = _distinct_series(summaries)
    if series:
        figures.append(("Distinct outputs of one greedy request", plots.distinct_outputs(series)))
    divergences = _divergences(summaries)
    units = {unit for _, unit, positions in divergences if positions} or {u for _, u, _ in divergences[:1]}
    for unit in sorted(units):
        named = [(name, positions) for name, its_unit, positions in divergences if its_unit == unit]
        figures.append((f"First divergence, in {unit}s", plots.divergence_histogram(named, unit)))
    return figures


def _accuracy_figures(scores: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Accuracy by language", plots.accuracy_bars(scores["by_language"], "language")),
        ("Accuracy by category", plots.accuracy_bars(scores["by_category"], "category")),
        ("Coverage against risk", plots.coverage_risk(scores["coverage_risk"])),
    ]


def _rate(value: dict[str, Any]) -> str:
    return str(Rate.model_validate(value))


def render(summaries: Sequence[dict[str, Any]], title: str = "samebytes evals") -> str:
    """The report as one HTML text with style and plots inside; no scripts, nothing fetched."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evals.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["rate"] = _rate
    environment.globals |= {"score_rows": score_rows, "group_rows": group_rows, "groupings": GROUPINGS}
    environment.filters["percent"] = lambda value: "not scored" if value is None else f"{value:.1%}"
    environment.globals["accuracy_figures"] = _accuracy_figures
    by_kind = {kind: [s for s in summaries if s["kind"] == kind] for kind in KINDS}
    warnings = [summary["warning"] for summary in summaries if summary.get("warning")]
    return environment.get_template("report.html.j2").render(
        title=title,
        runs=by_kind,
        comparison=side_by_side.compare(summaries),
        figures=_figures(summaries),
        warnings=warnings,
    )


def write_report(folders: Sequence[Path], out: Path, title: str = "samebytes evals") -> None:
    """Write the report of run folders to one file: HTML, or of a name in .md the comparison of the audits.

    Raises ValueError for a folder without a finished run.
    """
    summaries = [load(folder) for folder in folders]
    text = markdown.render(summaries, title) if out.suffix == ".md" else render(summaries, title)
    out.write_text(text, encoding="utf-8")
