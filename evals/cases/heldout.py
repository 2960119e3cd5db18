"""The held-out set: edits mined at run time from the histories of repositories that are never trained on.

Only the manifest is kept here; the texts come from local clones. Mining and writing the edits are functions
of the manifest, so two machines with the same clones get the same cases.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from evals.cases.case import Case, Category
from training.filters import read_source
from training.git import Blobs
from training.mine import Pair, find_repository, mine_repository
from training.synth import Expectation, SynthCase, generate
from training.synth.generate import FORMATS, seed_of

MAX_COMMITS = 3000


@dataclass(frozen=True, slots=True)
class Repository:
    """One held-out repository at a commit, and the most edits taken from it."""

    name: str
    commit: str
    limit: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The held-out set."""

    seed: int
    repositories: tuple[Repository, ...]
    formats: dict[str, float] = field(default_factory=lambda: dict(FORMATS))


def load_manifest(path: Path | None = None) -> Manifest:
    """The manifest of the package, or another of its form. Raises KeyError, TOMLDecodeError for a bad one."""
    text = path.read_text() if path else (resources.files("evals.cases") / "heldout.toml").read_text()
    table = tomllib.loads(text)
    repositories = tuple(Repository(r["name"], r["commit"], r["limit"]) for r in table["repository"])
    return Manifest(table["seed"], repositories, table.get("formats", dict(FORMATS)))


def _bytes_like(original: bytes, lines: list[str]) -> bytes:
    """Lines as a file with the line ends, byte-order mark and last-line habit of `original`."""
    mark = b"\xef\xbb\xbf" if original.startswith(b"\xef\xbb\xbf") else b""
    end = b"\r\n" if original.count(b"\r\n") * 2 > original.count(b"\n") else b"\n"
    body = end.join(line.encode() for line in lines)
    return mark + body + (end if original.endswith(b"\n") else b"")


def _case(pair: Pair, synth: SynthCase, original: bytes) -> Case | None:
    # A file with mixed line ends is left out: its lines do not say what the true commit's bytes were.
    if _bytes_like(original, synth.old) != original or synth.expectation is Expectation.REFUSED:
        return None
    return Case(
        id=f"{pair.repository}/{pair.commit[:12]}/{pair.path}",
        category=Category.HELD_OUT,
        language=pair.language,
        path=pair.path,
        format=synth.format,
        original=original,
        edit=synth.edit.encode(),
        expected=_bytes_like(original, synth.new),
        instruction=synth.instruction,
        source=f"{pair.repository}@{pair.commit}",
        tags=synth.tags,
    )


def mine(
    repository: Path, entry: Repository, seed: int, formats: dict[str, float] | None = None
) -> Iterator[Case]:
    """Cases of one repository. Raises GitError where it cannot be read or lacks the commit."""
    # Some pairs give no edit with one meaning; a few more are drawn to make up for them.
    pairs = mine_repository(
        repository, entry.name, limit=entry.limit * 2, max_commits=MAX_COMMITS, seed=seed, head=entry.commit
    )
    taken = 0
    with Blobs(repository) as blobs:
        for pair in pairs:
            old, new = blobs.read(pair.old), blobs.read(pair.new)
            if old is None or new is None:
                continue
            before, after = read_source(old), read_source(new)
            if before is None or after is None:
                continue
            draw = seed_of(seed, pair.repository, pair.commit, pair.path)
            synth = generate(before, after, pair.path, pair.language, draw, pair.subject, formats)
            case = _case(pair, synth, old) if synth else None
            if case is not None:
                yield case
                taken += 1
            if taken == entry.limit:
                return


def load_heldout(roots: list[Path], manifest: Manifest | None = None) -> Iterator[Case]:
    """All held-out cases, from clones named `owner/name`, `owner+name` or `name` below one of the roots.

    Raises GitError naming the repository that is missing.
    """
    manifest = manifest or load_manifest()
    for entry in manifest.repositories:
        yield from mine(find_repository(roots, entry.name), entry, manifest.seed, manifest.formats)
