"""A Hugging Face data set of edits as models write them, from mined pairs, with a label for every line.

    python -m training.corpus.written_edits --index INDEX --root CLONES --out CORPUS --seed 16

Rows: repository, commit, path, language, style, instruction, original, edit, result, tags, and the labels of
`training.synth.labels`: labels and sources by line of the edit, removed and unshown. One folder a
repository, each by `save_to_disk`; a folder that exists is kept, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from applier.text.hunks import line_hunks
from training.corpus.filters import MINOR_LANGUAGES
from training.corpus.mine import Pair, find_repository, iter_texts, load_pairs
from training.synth.generate import MAX_HUNKS, apply_hunks, choose_hunks, seed_of
from training.synth.written import write_edit

MAX_LINES = 4000
# Histories are full of changes of a line or two; people ask models for larger ones.
SMALL, SMALL_SHARE = 4, 0.5
# Written edits touch prose and settings more often than mined pairs hold them.
OFTEN = MINOR_LANGUAGES | {"toml", "css", "scss", "html", "jsonc"}


def edits_of(
    repository: Path, pairs: list[Pair], seed: int, skipped: frozenset[tuple[str, str]], variants: int = 1
) -> Iterator[dict[str, Any]]:
    """Rows of one repository's pairs; a function of (commit, path, seed, variant). `skipped` are
    (repository, commit) that must not be learned from. Raises GitError.
    """
    for pair, old, new in iter_texts(repository, pairs):
        if (pair.repository, pair.commit) in skipped or len(old) > MAX_LINES:
            continue
        every = line_hunks(old, new)
        for variant in range(variants + (pair.language in OFTEN)):
            rng = random.Random(seed_of(seed, "hunks", pair.commit, pair.path, variant))
            whole = len(every) <= MAX_HUNKS and rng.random() < 0.65
            target = apply_hunks(old, new, every if whole else choose_hunks(every, rng))
            hunks = line_hunks(old, target)  # numbered anew: the labels must follow from the two texts
            changed = sum(hunk.removed + hunk.added for hunk in hunks)
            if changed <= SMALL and rng.random() > SMALL_SHARE:
                continue
            number = seed_of(seed, "written", pair.commit, pair.path, variant)
            written = write_edit(old, target, hunks, pair.path, pair.language, pair.subject, number)
            if written is not None:
                yield {
                    "repository": pair.repository,
                    "commit": pair.commit,
                    "path": pair.path,
                    "language": pair.language,
                    "style": written.style,
                    "instruction": written.instruction,
                    "original": "\n".join(old) + "\n",
                    "edit": written.edit,
                    "result": "\n".join(target) + "\n",
                    "tags": list(written.tags),
                    "labels": written.labels.labels,
                    "sources": written.labels.sources,
                    "removed": written.labels.removed,
                    "unshown": written.labels.unshown,
                }


def build(
    index: Path, root: Path, out: Path, seed: int, skipped: frozenset[tuple[str, str]], start: int, limit: int
) -> Counter[str]:
    """One repository's folder; how many edits of each style. Raises GitError."""
    from datasets import Dataset, Features, List, Value

    pairs = load_pairs(index)[start : start + limit]
    if out.exists() or not pairs:
        return Counter()
    texts = ("repository", "commit", "path", "language", "style", "instruction", "original", "edit", "result")
    features = Features(
        {name: Value("large_string" if name in ("original", "result") else "string") for name in texts}
        | {"tags": List(Value("string")), "labels": List(Value("uint8"))}
        | {name: List(Value("int32")) for name in ("sources", "removed", "unshown")}
    )
    rows = list(edits_of(find_repository([root], pairs[0].repository), pairs, seed, skipped))
    if rows:
        Dataset.from_list(rows, features=features).save_to_disk(str(out))
    return Counter(row["style"] for row in rows)


def main() -> None:
    """Builds all repositories of an index folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--skip", type=Path, help="JSON list of [repository, commit] never to learn from")
    parser.add_argument("--start", type=int, default=0, help="the first pair of each repository")
    parser.add_argument("--limit", type=int, default=1500, help="pairs of one repository at most")
    parser.add_argument("names", nargs="*", help="owner+name; all where none is given")
    options = parser.parse_args()
    skipped = frozenset(map(tuple, json.loads(options.skip.read_text()))) if options.skip else frozenset()
    names = options.names or sorted(path.stem for path in options.index.glob("*.jsonl"))
    for name in names:
        counts = build(
            options.index / f"{name}.jsonl",
            options.root,
            options.out / name,
            options.seed,
            skipped,
            options.start,
            options.limit,
        )
        print(name, sum(counts.values()), dict(sorted(counts.items())), flush=True)


if __name__ == "__main__":
    main()
