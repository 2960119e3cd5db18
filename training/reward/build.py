"""Turns mined pairs into shards of groups, one a repository, resumable: `samebytes train rivals`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from applier.align.ranker import Judge
from applier.merge.constraint import Constraint
from applier.merge.prompt import PromptCodec
from applier.merge.proposal_path import Guide
from applier.parse.markers import without_trailing_marker
from applier.text.window import Item
from training.calibration.ranker_cases import Aligned, align_case
from training.corpus.mine import find_repository, load_pairs
from training.reward.groups import SUFFIX, Group, Groups, Rival, write_groups
from training.reward.rivals import Cause, rivals
from training.samples.encode import decision_offsets
from training.samples.shards import Sample
from training.samples.tokenize import iter_cases
from training.synth import SynthCase


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """`limit` groups of a repository at most; `easy_share` of the edits with no wrong reading are taken."""

    seed: int
    limit: int = 1_000
    easy_share: float = 0.15
    max_tokens: int = 2048


def make_group(
    case: SynthCase, codec: PromptCodec, rng: random.Random, settings: BuildSettings
) -> Group | None:
    """The group of a case; None as in `align_case`, where no rival is left, and where serving could not write
    the right merge.
    """
    found = align_case(case)
    if found is None:
        return None
    truth = found.window.project(case.old, case.new)
    if truth is None or found.result(truth) != list(case.new):
        return None
    wrong = rivals(found, truth, case.new, rng)
    hard = any(cause is Cause.READING for _, cause in wrong)
    if not wrong or (not hard and rng.random() > settings.easy_share):
        return None
    prompt = codec.build_prompt(found.items, found.edit_lines, case.instruction, case.path)
    answer = codec.build_answer(truth)
    if len(prompt) + len(answer) > settings.max_tokens:
        return None
    verdict = Judge.default().choose(found.readings, found.sound, found.window.lead)
    proposal = verdict.reading.merged
    constraint = _constraint(found, case.language, proposal, codec)
    if not is_known(constraint, answer):
        return None
    kept = [(codec.build_answer(merged), cause) for merged, cause in wrong]
    kept = [(ids, cause) for ids, cause in kept if is_known(constraint, ids)]
    rows = first_choices(answer, kept, Guide(codec, proposal), len(prompt))
    if not rows:
        return None
    decisions = [len(prompt) + at for at in decision_offsets(found.items, truth, codec)]
    return Group(
        Sample([*prompt, *answer], len(prompt), decisions),
        rows,
        verdict.odds - found.doubt,
        found.result(proposal) == list(case.new),
    )


def _constraint(found: Aligned, language: str, proposal: Sequence[Item], codec: PromptCodec) -> Constraint:
    shown = [
        without_trailing_marker(line, language)
        for number, line in enumerate(found.edit_lines)
        if number not in found.markers
    ]
    return Constraint.of(codec, found.items, shown, proposal)


def is_known(constraint: Constraint, ids: Sequence[int]) -> bool:
    """Whether decoding that is held to known lines could write these ids."""
    state = constraint.start
    for id_ in ids:
        after = constraint.follow(state, id_)
        if after is None:
            return False
        state = after
    return True


def first_choices(
    answer: Sequence[int], wrong: Sequence[tuple[Sequence[int], Cause]], guide: Guide, start: int
) -> list[Rival]:
    """Where each wrong answer leaves the right one, counted from `start`; each place and token once."""
    found: dict[tuple[int, int], Cause] = {}
    for ids, cause in wrong:
        at = next(i for i, (a, b) in enumerate(zip(answer, ids, strict=False)) if a != b)
        found.setdefault((at, ids[at]), cause)
    rows: list[Rival] = []
    place, written = guide.start, 0
    for (at, token), cause in sorted(found.items()):
        for id_ in answer[written:at]:
            place = guide.follow(place, id_)
        written = at
        expected = guide.expected(place)
        toward = (expected == answer[at]) - (expected == token)
        rows.append(Rival(start + at, token, toward, cause is Cause.READING))
    return rows


def build_index(
    index: Path, roots: Sequence[Path], codec: PromptCodec, out: Path, settings: BuildSettings
) -> int:
    """The groups of one repository's index into `out`; their number. A shard that exists is kept."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / (index.stem + SUFFIX)
    if target.exists() or not (pairs := load_pairs(index)):
        return 0
    random.Random(settings.seed).shuffle(pairs)
    cases = iter_cases(find_repository(list(roots), pairs[0].repository), pairs, settings.seed)

    def made() -> Iterator[Group]:
        for _, number, case in cases:
            group = make_group(case, codec, random.Random(number), settings)
            if group is not None:
                yield group

    groups = list(islice(made(), settings.limit))
    if groups:
        write_groups(target, Groups.of(groups))
    return len(groups)
