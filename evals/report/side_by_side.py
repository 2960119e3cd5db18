"""Several audits as the columns of one table: verdicts, counts, and the questions with their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("audit", "batch_drift")
VARIANCES = ("sampler", "batch", "backend")
DISTINCT = "Distinct outputs of identical greedy requests"
LOGITS = "Distinct logits behind them"
FIRST = (DISTINCT, LOGITS, *(f"{kind} variance".capitalize() for kind in VARIANCES))

Column = tuple[str, str, dict[str, "Cell"]]  # target, origin, cells by heading


@dataclass(frozen=True, slots=True)
class Cell:
    """What one target gives to one row: the answer in a few words, and the evidence in a sentence."""

    answer: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One question; a cell for each target, None where the target was not asked."""

    heading: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table: one column for each target."""

    targets: tuple[str, ...]
    origins: tuple[str, ...]
    rows: tuple[Row, ...]


def compare(summaries: Sequence[dict[str, Any]]) -> Comparison | None:
    """The comparison of all audits and drift counts among the summaries; None where there is none."""
    columns = [_audit(s) if s["kind"] == "audit" else _drift(s) for s in summaries if s["kind"] in KINDS]
    if not columns:
        return None
    found = dict.fromkeys(heading for _, _, cells in columns for heading in cells)
    headings = [heading for heading in FIRST if heading in found]
    headings += [heading for heading in found if heading not in FIRST]
    return Comparison(
        targets=tuple(target for target, _, _ in columns),
        origins=tuple(origin for _, origin, _ in columns),
        rows=tuple(
            Row(heading, tuple(cells.get(heading) for _, _, cells in columns)) for heading in headings
        ),
    )


def _audit(summary: dict[str, Any]) -> Column:
    origin = summary["provenance"]
    cells: dict[str, Cell] = {}
    for kind in VARIANCES:
        verdict = summary["verdicts"][kind]
        cells[f"{kind} variance".capitalize()] = Cell(verdict["finding"], "; ".join(verdict["reasons"]))
    if identical := summary.get("identical"):
        cells[DISTINCT] = Cell(_of(identical["distinct"], identical["n"]), "over all conditions")
        if identical["distinct_digests"]:
            cells[LOGITS] = Cell(_of(identical["distinct_digests"], identical["n"]))
    for question in summary["questions"]:
        cells[question["question"]] = Cell(question["answer"], question["evidence"])
    return summary["target"], f"{origin['model']} · {origin['hardware']} · {origin['date'][:10]}", cells


def _drift(summary: dict[str, Any]) -> Column:
    # Of several prompts, the one that parted most: identical requests are those of one prompt.
    result = max(summary["prompts"].values(), key=lambda result: result["distinct_outputs"])
    n, sizes = result["n"], result["by_batch_size"]
    strangers = sum(size["outputs_not_seen_alone"] for size in sizes.values())
    range_of_sizes = f"at batches of 1 to {max(map(int, sizes))}"
    cells = {
        f"{VARIANCES[1]} variance".capitalize(): Cell(
            "found" if strangers or result["distinct_prefill_logits"] > 1 else "not found",
            f"{strangers} of {n} outputs were not among those given alone, {range_of_sizes}",
        ),
        DISTINCT: Cell(_of(result["distinct_outputs"], n), range_of_sizes),
        LOGITS: Cell(_of(result["distinct_prefill_logits"], n), "of the prompt's last token"),
    }
    return summary["target"], f"{summary['model']} · {summary['hardware']} · {summary['date'][:10]}", cells


def _of(count: int, n: int) -> str:
    return f"{count:,} of {n:,}"
