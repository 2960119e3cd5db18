"""Mines (old, new) file pairs from git histories into one index per repository.

An index line names a commit, a path and two blobs; texts stay in git. The choice of edits is a function of
(repository, head commit, seed, caps): newest commits first, files drawn by a hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from applier.text.hunks import line_hunks
from training.corpus.filters import (
    MAX_CHANGED,
    MAX_HUNKS,
    MINOR_LANGUAGES,
    language_of,
    read_source,
    wanted_path,
)
from training.corpus.git import Blobs, Change, GitError, iter_changes, run_git

FILES_PER_COMMIT = 5
MINOR_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Pair:
    """One edited file: blob ids before and after one commit."""

    repository: str
    commit: str
    path: str
    language: str
    old: str
    new: str
    subject: str


@dataclass(frozen=True, slots=True)
class RepositoryEntry:
    """One line of the data manifest."""

    repository: str
    head: str
    licence: str
    pairs: int
    languages: dict[str, int]


def load_pairs(index: Path) -> list[Pair]:
    """The pairs of one index file."""
    with index.open(encoding="utf-8") as file:
        return [Pair(**json.loads(line)) for line in file]


def mine_repository(
    repository: Path, name: str, *, limit: int, max_commits: int, seed: int, head: str = "HEAD"
) -> list[Pair]:
    """Up to `limit` pairs of one repository. Raises GitError when it cannot be read."""
    by_commit: Counter[str] = Counter()
    changes = []
    for change in iter_changes(repository, max_commits, head):
        if wanted_path(change.path):
            by_commit[change.commit] += 1
            changes.append(change)
    changes.sort(key=lambda change: _rank(seed, change))
    pairs: list[Pair] = []
    used: Counter[str] = Counter()
    minor = 0
    seen: set[str] = set()
    with Blobs(repository) as blobs:
        for change in changes:
            if len(pairs) == limit:
                break
            language = language_of(change.path) or ""
            if used[change.commit] == FILES_PER_COMMIT:
                continue
            if language in MINOR_LANGUAGES and minor >= MINOR_SHARE * limit:
                continue
            if not _is_useful(blobs, change, seen):
                continue
            used[change.commit] += 1
            minor += language in MINOR_LANGUAGES
            pairs.append(
                Pair(name, change.commit, change.path, language, change.old, change.new, change.subject)
            )
    return pairs


def _rank(seed: int, change: Change) -> str:
    return hashlib.sha256(f"{seed} {change.commit} {change.path}".encode()).hexdigest()


def _is_useful(blobs: Blobs, change: Change, seen: set[str]) -> bool:
    """Whether a change passes the filters; `seen` holds hashes of changes already taken."""
    texts = read_pair(blobs, change.old, change.new)
    if texts is None:
        return False
    old, new = texts
    hunks = line_hunks(old, new)
    changed = sum(hunk.removed + hunk.added for hunk in hunks)
    if not 0 < len(hunks) <= MAX_HUNKS or changed > MAX_CHANGED:
        return False
    removed = [line.rstrip() for hunk in hunks for line in old[hunk.old_start : hunk.old_end]]
    added = [line.rstrip() for hunk in hunks for line in new[hunk.new_start : hunk.new_end]]
    if removed == added:  # only white space at line ends, which no one writes in a snippet
        return False
    digest = hashlib.sha256("\n".join([*removed, "\0", *added]).encode()).hexdigest()
    if digest in seen:
        return False
    seen.add(digest)
    return True


def read_pair(blobs: Blobs, old: str, new: str) -> tuple[list[str], list[str]] | None:
    """Lines of both versions, or None where one is missing or is not a source text."""
    before, after = blobs.read(old), blobs.read(new)
    if before is None or after is None:
        return None
    old_lines, new_lines = read_source(before), read_source(after)
    if old_lines is None or new_lines is None:
        return None
    return old_lines, new_lines


LICENCES = (
    ("Apache-2.0", r"Apache License,?\s+Version 2"),
    ("AGPL-3.0", r"GNU AFFERO GENERAL PUBLIC LICENSE"),
    ("LGPL", r"GNU LESSER GENERAL PUBLIC LICENSE"),
    ("GPL", r"GNU GENERAL PUBLIC LICENSE"),
    ("MPL-2.0", r"Mozilla Public License"),
    ("MIT", r"Permission is hereby granted, free of charge"),
    ("BSD", r"Redistribution and use in source and binary forms"),
    ("ISC", r"Permission to use, copy, modify, and(?:/or)? distribute this software"),
)


def licence_of(repository: Path, head: str = "HEAD") -> str:
    """An SPDX-like name from the licence file at the root; "unknown" without one that is recognised."""
    names = run_git(repository, "ls-tree", "--name-only", head).split("\n")
    wanted = [name for name in names if re.match(r"(un)?licen[cs]e|copying", name, re.IGNORECASE)]
    with Blobs(repository) as blobs:
        for name in wanted:
            text = (blobs.read(f"{head}:{name}") or b"").decode("utf-8", errors="replace")
            for licence, pattern in LICENCES:
                if re.search(pattern, text, re.IGNORECASE):
                    return licence
    return "unknown"


def mine_to_index(
    repository: Path, name: str, index: Path, *, limit: int, max_commits: int, seed: int, head: str = "HEAD"
) -> RepositoryEntry:
    """Mines one repository into `index` (JSON lines, written whole or not at all).

    A finished index is kept, so an interrupted run goes on where it stopped. Raises GitError.
    """
    commit = run_git(repository, "rev-parse", head).strip()
    if not index.exists():
        pairs = mine_repository(
            repository, name, limit=limit, max_commits=max_commits, seed=seed, head=commit
        )
        partial = index.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(pair)) + "\n" for pair in pairs)
        os.replace(partial, index)
    pairs = load_pairs(index)
    languages = Counter(pair.language for pair in pairs)
    return RepositoryEntry(
        name, commit, licence_of(repository, commit), len(pairs), dict(sorted(languages.items()))
    )


def find_repository(roots: list[Path], name: str) -> Path:
    """The folder of `owner/name` below one of the roots. Raises GitError when there is none."""
    for root in roots:
        for folder in (root / name, root / name.replace("/", "+"), root / name.rpartition("/")[2]):
            if folder.is_dir():
                return folder
    raise GitError(f"no copy of {name} below {', '.join(map(str, roots))}; clone it there first")


def iter_texts(repository: Path, pairs: list[Pair]) -> Iterator[tuple[Pair, list[str], list[str]]]:
    """Every pair with its two texts, read through one git process."""
    with Blobs(repository) as blobs:
        for pair in pairs:
            texts = read_pair(blobs, pair.old, pair.new)
            if texts is not None:
                yield pair, *texts
