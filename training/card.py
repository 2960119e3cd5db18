"""The model card: what the model was made from and how often it is right, by language and by habit."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    share = right / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)


def case_records(folder: Path) -> list[dict[str, Any]]:
    """The cases of a folder of shards; `number` is the sample's place over all shards, None without one."""
    records = []
    offset = 0
    for shard in sorted(folder.glob("*.xz")):
        mine = [json.loads(line) for line in shard.with_suffix(".jsonl").read_text("utf-8").splitlines()]
        for record in mine:
            record["number"] = None if record["sample"] is None else offset + record["sample"]
        offset += sum(record["sample"] is not None for record in mine)
        records += mine
    return records


def table(records: list[dict[str, Any]], exact: list[bool], key: str) -> list[tuple[str, int, int]]:
    """(name, right, total) by language or by tag, largest first. A case without a sample counts as wrong."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        names = record["tags"] if key == "tags" else [record[key]]
        right = record["number"] is not None and exact[record["number"]]
        for name in names:
            counts[name][0] += right
            counts[name][1] += 1
    return sorted(((n, r, t) for n, (r, t) in counts.items()), key=lambda row: (-row[2], row[0]))


def model_card(work: Path, scores: Path, purpose: str) -> str:
    """Markdown tables of one set's score. Raises KeyError when the run did not score that set."""
    score = json.loads(scores.read_text("utf-8"))["scores"][purpose]
    records = case_records(work / "samples" / purpose)
    exact = score["exact"]
    right = sum(1 for r in records if r["number"] is not None and exact[r["number"]])
    low, high = wilson(right, len(records))
    lines = [
        f"Byte-exact on {purpose}, free greedy decoding: {right} of {len(records)} = "
        f"{right / max(1, len(records)):.1%} (95 % interval {low:.1%} to {high:.1%}).",
    ]
    for key, title in (("language", "Language"), ("tags", "Habit"), ("repository", "Repository")):
        lines += ["", f"| {title} | right | cases | share | 95 % interval |", "|---|---|---|---|---|"]
        for name, hits, total in table(records, exact, key):
            low, high = wilson(hits, total)
            lines.append(f"| {name} | {hits} | {total} | {hits / total:.1%} | {low:.1%} to {high:.1%} |")
    return "\n".join(lines) + "\n"
