"""Edits as the judge of readings meets them in serving: mined pairs, written lazily, normalised, located."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from applier.align.candidates import Reading, readings
from applier.align.costs import SETTINGS
from applier.align.input import Scene
from applier.align.parse_check import Soundness
from applier.align.ranker import CLEAR, Judge
from applier.exact.apply_exact import NeedsModel, apply_exact
from applier.locate.locator import locate
from applier.normalise import normalise_snippet
from applier.parse import LazySnippet
from applier.parse.markers import MarkerKind
from applier.parse.read import read
from applier.plan import MARGINS
from applier.syntax.source_syntax import SourceSyntax
from applier.text.hunks import hunks_elsewhere
from applier.text.window import GAP, Item, Window, WindowError
from applier.types import Refusal
from training.calibration.served_edits import request_of
from training.corpus.mine import find_repository, load_pairs
from training.samples.tokenize import iter_cases
from training.synth import SynthCase
from training.synth.case import Expectation

PARSED = 12  # readings of one edit, best first, that are parsed


@dataclass(frozen=True, slots=True)
class Judged:
    """One edit: its readings, with their numbers in place of merged windows; which of them are right, which
    keep the file parsing, and which change lines far from the true edit; the `lead` of its window; and how
    many edits it stands for.
    """

    repository: str
    readings: tuple[Reading, ...]
    right: tuple[bool, ...]
    sound: tuple[bool, ...]
    far: tuple[bool, ...]
    lead: int = CLEAR
    weight: float = 1.0

    @staticmethod
    def of(
        repository: str,
        readings: Sequence[Reading],
        right: Sequence[bool],
        sound: Sequence[bool],
        far: Sequence[bool],
        lead: int = CLEAR,
    ) -> Judged:
        """With the readings numbered."""
        numbered = tuple(replace(one, merged=[str(number)]) for number, one in enumerate(readings))
        return Judged(repository, numbered, tuple(right), tuple(sound), tuple(far), lead)

    def is_right(self, reading: Reading) -> bool:
        """Whether one of the readings is."""
        return self.right[int(reading.merged[0] or 0)]

    def is_far(self, reading: Reading) -> bool:
        """Whether one of the readings changes lines far from the true edit."""
        return self.far[int(reading.merged[0] or 0)]

    def is_sound(self, merged: Sequence[Item]) -> bool:
        """What `Judge.choose` asks of a reading."""
        return self.sound[int(merged[0] or 0)]


@dataclass(frozen=True, slots=True)
class Aligned:
    """A lazy edit as the alignment meets it in serving: normalised, located, and read in several ways.

    `edit_lines` are the normalised ones, `items` those of the window, `doubt` is what normalising takes from
    the proposal's odds.
    """

    lines: Sequence[str]
    edit_lines: Sequence[str]
    markers: Mapping[int, MarkerKind]
    window: Window
    items: list[Item]
    readings: list[Reading]
    sound: Soundness
    doubt: int

    def result(self, merged: Sequence[Item]) -> list[str] | None:
        """The file with a merged window; None where it lacks a gap."""
        try:
            return self.window.assemble(self.lines, merged)
        except WindowError:
            return None


def align_case(case: SynthCase) -> Aligned | None:
    """None for an edit that is not lazy, is exact, is refused before it is aligned, or has to be refused."""
    found = read(request_of(case), case.language)
    if case.expectation is not Expectation.APPLIED or isinstance(found, Refusal):
        return None
    source, edit = found
    if not isinstance(edit, LazySnippet) or not isinstance(
        apply_exact(source, edit, case.language), NeedsModel
    ):
        return None
    edit, doubt = normalise_snippet(edit, source.lines, case.language, stub=case.path.endswith(".pyi"))
    window = locate(source.lines, edit.lines, case.language, margin=MARGINS[0], markers=edit.markers)
    if isinstance(window, Refusal):
        return None
    items = window.items(source.lines)
    if all(item is GAP for item in items):
        return None
    options = readings(Scene.of(items, edit.lines, case.language, edit.markers), SETTINGS)
    sound = Soundness(SourceSyntax(source, case.language), window)
    return Aligned(source.lines, edit.lines, edit.markers, window, items, options, sound, doubt)


def judge_case(case: SynthCase, repository: str) -> Judged | None:
    """None as in `align_case`."""
    found = align_case(case)
    if found is None:
        return None
    options = found.readings
    scores = [Judge.default().score(reading.evidence) for reading in options]
    parsed = sorted(range(len(options)), key=lambda number: -scores[number])[:PARSED]
    results = [found.result(reading.merged) for reading in options]
    right = [result == list(case.new) for result in results]
    return Judged.of(
        repository,
        options,
        right,
        [n in parsed and found.sound(reading.merged) for n, reading in enumerate(options)],
        [
            not ok and result is not None and hunks_elsewhere(case.old, case.new, result) > 0
            for ok, result in zip(right, results, strict=True)
        ],
        found.window.lead,
    )


def judged(index: Path, roots: Sequence[Path], seed: int, pairs: int, share: int) -> Iterator[Judged]:
    """Edits of up to `pairs` pairs of each repository, drawn by `seed`. Those with one reading teach little:
    one in `share` is taken, with that much more weight.
    """
    for file in sorted(index.glob("*.jsonl")):
        mined = load_pairs(file)
        random.Random(seed).shuffle(mined)
        if not mined:
            continue
        cases = iter_cases(find_repository(list(roots), mined[0].repository), mined[:pairs], seed)
        single = 0
        for _, _, case in cases:
            found = judge_case(case, file.stem)
            if found is None:
                continue
            if len(found.readings) > 1:
                yield found
                continue
            single += 1
            if single % share == 0:
                yield replace(found, weight=float(share))
