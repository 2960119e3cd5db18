"""How far recovered labels agree with constructed ones, and how consistent those of written edits are.

python -m training.samples.check_labels --corpus FOLDER --limit 2000
python -m training.samples.check_labels --cases CASES.jsonl.xz
"""

from __future__ import annotations

import argparse
import base64
import json
import lzma
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from applier.text.hunks import is_weak
from training.samples.recover_labels import labels_of
from training.synth.labels import EditLabels, Label


def agreement(made: EditLabels, found: EditLabels, edit: Sequence[str], counts: Counter[str]) -> bool:
    """Counts lines and equal ones; whether every line that says something agrees."""
    whole = True
    rows = zip(made.labels, made.sources, found.labels, found.sources, edit, strict=True)
    for label, source, label_found, source_found, line in rows:
        same = label == label_found and source == source_found
        if source >= 0 and label == Label.CONTEXT == label_found and abs(source - source_found) <= 1:
            same |= not line.strip()
        counts["lines"] += 1
        counts["lines agree"] += same
        counts["labels agree"] += label == label_found
        if not is_weak(line):
            counts["strong"] += 1
            counts["strong agree"] += same
            whole &= same
    return whole


def consistency(
    original: Sequence[str], edit: Sequence[str], result: Sequence[str], labels: EditLabels
) -> str:
    """ "exact": the edit's own new lines make the result, indentation aside; "glue": only lines of blanks or
    commas lack or differ; "partial": the edit lacks or misspells more; "removed": it shows a line that goes.
    """
    texts = {
        j: edit[k]
        for k, (label, j) in enumerate(zip(labels.labels, labels.sources, strict=True))
        if label == Label.NEW
    }
    worst = "exact"
    for j, text in texts.items():
        said, meant = text.lstrip("+ \t").rstrip(), result[j].lstrip("+ \t").rstrip()
        if said != meant:
            if said.rstrip(",; ") != meant.rstrip(",; "):
                return "partial"
            worst = "glue"
    old = {line.strip().rstrip(",;") for line in original}
    for j in labels.unshown:
        if is_weak(result[j]) or result[j].strip().rstrip(",;") in old:
            worst = "glue"
        else:
            return "partial"
    return worst


def main() -> None:
    """Prints the figures of a corpus or of a case file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    if options.cases:
        _check_cases(options.cases, options.show)
    if options.corpus:
        _check_corpus(options.corpus, options.limit, options.show)


def _check_cases(path: Path, show: int) -> None:
    by_style: dict[str, Counter[str]] = {}
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["style"] in "suv":
                continue
            original, result = (
                base64.b64decode(row[f"{part}_b64"]).decode().split("\n") for part in ("original", "expected")
            )
            edit = row["edit"].split("\n")
            labels = labels_of(original, edit, result, row["path"])
            outcome = consistency(original, edit, result, labels)
            by_style.setdefault(row["style"], Counter())[outcome] += 1
            if outcome == "partial" and show > 0:
                show -= 1
                print(
                    "==", row["id"], row["style"], row["path"], [result[j][:90] for j in labels.unshown][:4]
                )
    for style, counts in sorted(by_style.items()):
        print(style, sum(counts.values()), dict(counts))
    print("all", sum(map(Counter.total, by_style.values())), dict(sum(by_style.values(), Counter())))


def _check_corpus(folder: Path, limit: int, show: int) -> None:
    from datasets import concatenate_datasets, load_from_disk

    data = concatenate_datasets([load_from_disk(str(path)) for path in sorted(folder.iterdir())]).shuffle(
        seed=7
    )
    counts: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for row in data.select(range(min(limit, len(data)))):
        original, result = row["original"][:-1].split("\n"), row["result"][:-1].split("\n")
        edit = row["edit"][:-1].split("\n")
        made = EditLabels(row["labels"], row["sources"], row["removed"], row["unshown"])
        found = labels_of(original, edit, result, row["path"])
        good = agreement(made, found, edit, counts)
        whole[row["style"]] += 1
        whole[row["style"] + " agree"] += good
        if not good and show > 0:
            show -= 1
            print("==", row["style"], row["path"], row["tags"])
            for k, line in enumerate(edit):
                a, b = (made.labels[k], made.sources[k]), (found.labels[k], found.sources[k])
                if a != b and not is_weak(line):
                    print("   made", a, "found", b, line[:100])
    print(dict(counts))
    print(
        {
            style: f"{whole[style + ' agree']}/{whole[style]}"
            for style in sorted(whole)
            if "agree" not in style
        }
    )


if __name__ == "__main__":
    main()
