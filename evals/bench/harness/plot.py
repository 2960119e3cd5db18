"""The plot of a benchmark's record: times above, tokens a second below, both against what was varied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from evals.bench.harness.record import Row, write_record

_STYLE: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True}
_COLOURS = {"p50": "#1f5fa8", "p95": "#c4511d", "p99": "#7a4fa3"}
_TOKENS = {"window": "#2b8a57", "whole file": "#a8821f"}

# What each kind of benchmark varies, and its name on the axis.
_AXES = {
    "bench rates": ("offered_per_second", "offered requests a second"),
    "bench overload": ("offered_per_second", "offered requests a second"),
    "bench concurrency": ("clients", "clients"),
    "bench file-size": ("file_bytes", "bytes of the file"),
    "bench edit-size": ("changed_lines", "changed lines"),
}


def write_plot(result: dict[str, Any], path: Path) -> bool:
    """Draw a record into a file whose suffix names the format. False for a kind that has no plot."""
    draw = _DRAWN.get(result["kind"])
    if draw is None or not result["rows"]:
        return False
    with matplotlib.rc_context(_STYLE):
        figure = draw(result)
        figure.suptitle(f"{result['subject']}\n{result['hardware']}", fontsize=9)
        figure.savefig(path, dpi=120)
        plt.close(figure)
    return True


def _against(result: dict[str, Any]) -> Any:
    x, label = _AXES[result["kind"]]
    rows: list[Row] = result["rows"]
    tiers = sorted({row["tier"] for row in rows}) if "tier" in rows[0] else [""]
    figure, (times, rates) = plt.subplots(2, 1, figsize=(7, 6.4), sharex=True, layout="constrained")
    for tier, style in zip(tiers, ("-", "--", ":"), strict=False):
        own = [row for row in rows if not tier or row["tier"] == tier]
        for name, colour in _COLOURS.items():
            points = [(row[x], row["milliseconds"].get(name)) for row in own]
            _line(times, points, f"{name} {tier}".strip(), colour, style)
        for name, colour in _TOKENS.items():
            _line(rates, [(row[x], _per_second(row, name)) for row in own], name, colour, style)
    times.set_ylabel("milliseconds")
    rates.set_xlabel(label)
    if rates.lines:
        rates.set_ylabel("merged tokens a second")
    else:
        rates.set_ylabel("requests answered a second")
        _line(rates, [(row[x], row.get("requests_per_second")) for row in rows], "answered", "#2b8a57")
    for axes in (times, rates):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(_bytes if x == "file_bytes" else lambda value, _: f"{value:g}")
        if axes.lines:
            axes.legend(frameon=False, fontsize=9)
    return figure


def _per_second(row: Row, tokens: str) -> float | None:
    """Merged tokens a second of a row: stated for many requests, computed for repeats of one."""
    if "window_tokens_per_second" in row:
        return row[f"{tokens.replace(' ', '_')}_tokens_per_second"]
    if tokens != "window" or not row["window_tokens"]:
        return None
    return 1e3 * row["window_tokens"] / float(row["milliseconds"]["p50"])


def _bytes(value: float, _: object) -> str:
    return f"{value / 2**20:g} MiB" if value >= 2**20 else f"{value / 2**10:g} KiB"


def _line(
    axes: Axes, points: Sequence[tuple[float, float | None]], name: str, colour: str, style: str = "-"
) -> None:
    known = [(x, y) for x, y in points if y]
    if known:
        xs, ys = zip(*known, strict=True)
        axes.plot(xs, ys, marker="o", markersize=4, linewidth=1.6, color=colour, linestyle=style, label=name)


def _bars(result: dict[str, Any]) -> Any:
    """Tokens a second of each mode or batch size."""
    rows: list[Row] = result["rows"]
    names = [_name(row) for row in rows]
    figure, axes = plt.subplots(figsize=(7, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes.barh(range(len(rows)), [row["window_tokens_per_second"] or 0 for row in rows], color="#1f5fa8")
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlabel("tokens of merged windows a second")
    return figure


def _name(row: Row) -> str:
    if "decoding" in row:
        return f"{row['decoding']}, batch {row['batch']}"
    return f"{row['mode']}, {row['at_a_time']}"


def _soak(result: dict[str, Any]) -> Any:
    rows: list[Row] = result["rows"]
    figure, (memory, counts) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
    minutes = [row["at"] / 60 for row in rows]
    memory.plot(minutes, [row["resident_bytes"] / 2**20 for row in rows], color="#1f5fa8")
    memory.set_ylabel("resident memory, MiB")
    memory.set_ylim(bottom=0)
    for name, colour in (("open_files", "#c4511d"), ("threads", "#2b8a57")):
        counts.plot(minutes, [row[name] for row in rows], color=colour, label=name.replace("_", " "))
    counts.set_ylim(bottom=0)
    counts.set_xlabel("minutes")
    counts.legend(frameon=False, fontsize=9)
    return figure


def _failover(result: dict[str, Any]) -> Any:
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for failed, colour, name in ((False, "#1f5fa8", "answered"), (True, "#c4511d", "not answered")):
        rows = [row for row in result["rows"] if bool(row["error"]) == failed]
        if rows:
            points = [row["at"] for row in rows], [row["milliseconds"] for row in rows]
            axes.scatter(*points, s=14, color=colour, label=name)
    axes.axvline(result["killed_at"], color="#444444", linestyle="--", label="a server is killed")
    axes.set_xlabel("seconds")
    axes.set_ylabel("milliseconds")
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=9)
    return figure


def _large_file(result: dict[str, Any]) -> Any:
    """Each edit in its own file and in a large one."""
    rows: list[Row] = result["rows"]
    figure, axes = plt.subplots(figsize=(5.4, 5), layout="constrained")
    own, large = ([row[f"{file}_milliseconds"] for row in rows] for file in ("own", "large"))
    axes.scatter(own, large, s=14, color="#1f5fa8")
    ends = [min(own), max(large)]
    axes.plot(ends, ends, color="#444444", linewidth=1, label="the same")
    axes.plot(ends, [1.2 * end for end in ends], color="#444444", linestyle="--", linewidth=1, label="+20 %")
    axes.set_xlabel("milliseconds in its own file")
    axes.set_ylabel(f"milliseconds in a file of {_bytes(result['settings']['size'], None)}")
    axes.legend(frameon=False, fontsize=9)
    return figure


_DRAWN: dict[str, Callable[[dict[str, Any]], Any]] = {
    **dict.fromkeys(_AXES, _against),
    "bench engine": _bars,
    "bench rival": _bars,
    "bench large-file": _large_file,
    "bench soak": _soak,
    "bench failover": _failover,
}


def finish(result: dict[str, Any], out: Path) -> None:
    """Write the record and its plot into the folder `out`, and say where."""
    print(write_record(result, out))
    if write_plot(result, out / "plot.png"):
        print(out / "plot.png")
