"""The plots of a report, as SVG text. Equal data give equal SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_STYLE: Any = {
    "svg.hashsalt": "samebytes",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}
MARKS, DASHES = "osD^vP", ("-", "--", "-.", ":")
COLOURS = ("#1f5fa8", "#c4511d", "#2b8a57", "#7a4fa3", "#a8821f", "#5b6670")


@dataclass(frozen=True, slots=True)
class Series:
    """One named line of (x, y) points."""

    name: str
    points: list[tuple[float, float]]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = buffer.getvalue()
    # Inside HTML the XML prologue is an error, and the size is the style sheet's business.
    text = text[text.index("<svg") :]
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*"',
        r"\1",
        re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1),
        count=1,
    )


def distinct_outputs(series: Sequence[Series]) -> str:
    """Distinct outputs of the same request against how many requests were in flight or in the batch."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(7, 3.4)
        for place, line in enumerate(series):
            xs, ys = zip(*sorted(line.points), strict=True)
            # Equal counts are the rule: a line under another shows by its larger mark and its dashes.
            axes.plot(
                xs,
                ys,
                marker=MARKS[place % len(MARKS)],
                markersize=4 + 2.5 * (len(series) - 1 - place),
                linestyle=DASHES[place % len(DASHES)],
                linewidth=1.6,
                color=COLOURS[place % len(COLOURS)],
                label=line.name,
            )
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("requests in flight, or batch size")
        axes.set_ylabel("distinct outputs")
        axes.legend(frameon=False, fontsize=9)
        return _svg(figure)


def divergence_histogram(named: Sequence[tuple[str, Sequence[int]]], unit: str) -> str:
    """Where outputs first differ from the answer given alone."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(7, 3)
        shown = [(name, list(positions)) for name, positions in named if positions]
        if shown:
            last = max(max(positions) for _, positions in shown)
            bins = [last * i / 30 for i in range(31)] if last >= 30 else [i - 0.5 for i in range(last + 2)]
            axes.hist(
                [positions for _, positions in shown],
                bins=bins,
                stacked=True,
                color=[COLOURS[i % len(COLOURS)] for i in range(len(shown))],
                label=[name for name, _ in shown],
            )
            axes.legend(frameon=False, fontsize=9)
        else:
            axes.text(0.5, 0.5, "no output differed", ha="center", va="center", transform=axes.transAxes)
        axes.set_xlabel(f"{unit} at which the output first differs")
        axes.set_ylabel("replies")
        return _svg(figure)


def accuracy_bars(scores: dict[str, Any], label: str) -> str:
    """Byte-exact match of each group with its 95 % interval, and the baseline without a model beside it."""
    rows = [(name, group) for name, group in scores.items() if group["byte_exact"]["rate"] is not None]
    rows.sort(key=lambda row: (-row[1]["byte_exact"]["n"], row[0]))
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(7, 0.9 + 0.3 * max(1, len(rows)))
        for place, (_, group) in enumerate(rows):
            exact = group["byte_exact"]
            axes.barh(place, exact["rate"], color=COLOURS[0], alpha=0.85, height=0.62)
            axes.plot([exact["low"], exact["high"]], [place, place], color="#10243e", linewidth=1.2)
            baseline = group["baseline_byte_exact"]["rate"]
            if baseline is not None:
                axes.plot(baseline, place, marker="|", markersize=13, markeredgewidth=2.2, color=COLOURS[1])
        axes.set_yticks(range(len(rows)), [f"{name} (n={group['byte_exact']['n']})" for name, group in rows])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
        axes.set_xlabel(f"byte-exact match by {label}; line: 95 % interval; orange: no-model baseline")
        return _svg(figure)


def coverage_risk(points: Sequence[Sequence[float]]) -> str:
    """Risk among the answered cases as the confidence threshold falls and coverage grows."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(7, 3)
        if points:
            axes.step(
                [p[1] for p in points], [p[2] for p in points], where="post", color=COLOURS[0], linewidth=1.6
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda x, _: f"{x:.0%}")
        axes.set_xlabel("coverage: share of cases answered at this confidence or above")
        axes.set_ylabel("risk: wrong answers")
        return _svg(figure)
