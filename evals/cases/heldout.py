"""The held-out set: edits mined at run time from the histories of repositories that are never trained on.

Only the manifest is kept here; the texts come from local clones. Mining and writing the edits are functions
of the manifest, so two machines with the same clones get the same cases.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from evals.cases.case import Case, Category
from evals.cases.habits import Change, write
from training.corpus.filters import read_source
from training.corpus.git import Blobs
from training.corpus.mine import Pair, find_repository, mine_repository
from training.synth import Expectation, generate
from training.synth.generate import FORMATS, seed_of

MAX_COMMITS = 3000
SHIPPED = ("heldout", "validation")


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


def load_manifest(name: str = "heldout") -> Manifest:
    """A manifest of the package ("heldout", "validation"), or a file of the same form.

    Raises ValueError where there is none of that name, or the file is not a manifest.
    """
    shipped = resources.files("evals.cases") / f"{name}.toml"
    try:
        return _manifest(shipped.read_text() if name in SHIPPED else Path(name).read_text())
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{name!r} is no manifest of repositories: {error!r}") from error


def _manifest(text: str) -> Manifest:
    table = tomllib.loads(text)
    repositories = tuple(Repository(r["name"], r["commit"], r["limit"]) for r in table["repository"])
    return Manifest(table["seed"], repositories, table.get("formats", dict(FORMATS)))


def _bytes_like(original: bytes, lines: list[str]) -> bytes:
    """Lines as a file with the line ends, byte-order mark and last-line habit of `original`."""
    mark = b"\xef\xbb\xbf" if original.startswith(b"\xef\xbb\xbf") else b""
    end = b"\r\n" if original.count(b"\r\n") * 2 > original.count(b"\n") else b"\n"
    body = end.join(line.encode() for line in lines)
    return mark + body + (end if original.endswith(b"\n") else b"")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of one commit: its bytes before, and its lines before and after."""

    pair: Pair
    original: bytes
    before: list[str]
    after: list[str]


Writer = Callable[[Source], Case | None]


def training_writer(seed: int, formats: dict[str, float]) -> Writer:
    """Edits in the habits that training shows, on code that it does not."""

    def case(source: Source) -> Case | None:
        pair = source.pair
        draw = seed_of(seed, pair.repository, pair.commit, pair.path)
        synth = generate(source.before, source.after, pair.path, pair.language, draw, pair.subject, formats)
        if synth is None or synth.expectation is Expectation.REFUSED:
            return None
        return Case(
            id=f"{pair.repository}/{pair.commit[:12]}/{pair.path}",
            category=Category.HELD_OUT,
            language=pair.language,
            path=pair.path,
            format=synth.format,
            original=_bytes_like(source.original, synth.old),
            edit=synth.edit.encode(),
            expected=_bytes_like(source.original, synth.new),
            instruction=synth.instruction,
            source=f"{pair.repository}@{pair.commit}",
            tags=synth.tags,
        )

    return case


def habits_writer(seed: int) -> Writer:
    """Edits in habits that training does not show."""
    taken: Counter[str] = Counter()
    last: Change | None = None

    def case(source: Source) -> Case | None:
        nonlocal last
        pair = source.pair
        change = Change(pair.path, pair.language, source.before, source.after, last)
        last = Change(pair.path, pair.language, source.before, source.after)
        drawn = write(change, seed_of(seed, "habits", pair.repository, pair.commit, pair.path), taken)
        if drawn is None:
            return None
        name, written = drawn
        taken[name] += 1
        return Case(
            id=f"{name}/{pair.repository}/{pair.commit[:12]}/{pair.path}",
            category=written.category,
            language=pair.language,
            path=pair.path,
            format=written.format,
            original=_bytes_like(source.original, written.old or source.before),
            edit=written.edit.encode(),
            expected=None if written.new is None else _bytes_like(source.original, written.new),
            refusals=written.refusals,
            not_exact=written.not_exact,
            source=f"{pair.repository}@{pair.commit}",
            tags=(name,),
            placeholders=written.placeholders,
        )

    return case


def _sources(repository: Path, entry: Repository, seed: int) -> Iterator[Source]:
    # Some pairs give no edit with one meaning; a few more are drawn to make up for them.
    pairs = mine_repository(
        repository, entry.name, limit=entry.limit * 2, max_commits=MAX_COMMITS, seed=seed, head=entry.commit
    )
    with Blobs(repository) as blobs:
        for pair in pairs:
            old, new = blobs.read(pair.old), blobs.read(pair.new)
            if old is None or new is None:
                continue
            before, after = read_source(old), read_source(new)
            # A file with mixed line ends is left out: its lines do not say what the true commit's bytes were.
            if before is None or after is None or _bytes_like(old, before) != old:
                continue
            yield Source(pair, old, before, after)


def mine(repository: Path, entry: Repository, seed: int, writer: Writer) -> Iterator[Case]:
    """Cases of one repository. Raises GitError where it cannot be read or lacks the commit."""
    taken = 0
    for source in _sources(repository, entry, seed):
        case = writer(source)
        if case is not None:
            yield case
            taken += 1
        if taken == entry.limit:
            return


def load_heldout(
    roots: list[Path], manifest: Manifest | None = None, *, habits: bool = False
) -> Iterator[Case]:
    """All held-out cases, from clones named `owner/name`, `owner+name` or `name` below one of the roots.

    With `habits`, edits in habits of writing that training does not show. Raises GitError naming the
    repository that is missing.
    """
    manifest = manifest or load_manifest()
    writer = habits_writer(manifest.seed) if habits else training_writer(manifest.seed, manifest.formats)
    for entry in manifest.repositories:
        yield from mine(find_repository(roots, entry.name), entry, manifest.seed, writer)
