"""One case from one true pair: chooses the hunks, the format and the habits by seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from applier.text.hunks import Hunk, line_hunks
from applier.types import EditFormat
from training.synth.blocks import search_replace, unified_hunk
from training.synth.case import Expectation, SynthCase
from training.synth.lazy import lazy_snippet

ATTEMPTS = 4
MAX_HUNKS = 8
FORMATS = {
    "lazy": 0.84,
    "search_replace_drift": 0.08,
    "unified_diff_drift": 0.05,
    "already_applied": 0.03,
}


def seed_of(*parts: object) -> int:
    """A seed from a name: the same on every machine."""
    return int.from_bytes(hashlib.sha256(" ".join(map(str, parts)).encode()).digest()[:8], "big")


def apply_hunks(old: Sequence[str], new: Sequence[str], hunks: Sequence[Hunk]) -> list[str]:
    """`old` with some of the hunks to `new` applied."""
    out: list[str] = []
    at = 0
    for hunk in hunks:
        out += old[at : hunk.old_start]
        out += new[hunk.new_start : hunk.new_end]
        at = hunk.old_end
    return [*out, *old[at:]]


def choose_hunks(hunks: Sequence[Hunk], rng: random.Random) -> list[Hunk]:
    """All hunks of a small change; a run of them, or some at random, of a larger one."""
    if len(hunks) <= 2 or (len(hunks) <= MAX_HUNKS and rng.random() < 0.4):
        return list(hunks)
    count = rng.randint(1, min(5, len(hunks)))
    if rng.random() < 0.5:
        start = rng.randint(0, len(hunks) - count)
        return list(hunks[start : start + count])
    return [hunks[i] for i in sorted(rng.sample(range(len(hunks)), count))]


def renumber(hunks: Sequence[Hunk]) -> list[Hunk]:
    """The hunks with the new positions that they have when only these are applied."""
    out = []
    offset = 0
    for hunk in hunks:
        start = hunk.old_start + offset
        out.append(Hunk(hunk.old_start, hunk.old_end, start, start + hunk.added))
        offset += hunk.added - hunk.removed
    return out


def generate(
    old: Sequence[str],
    new: Sequence[str],
    path: str,
    language: str,
    seed: int,
    subject: str = "",
    formats: dict[str, float] | None = None,
) -> SynthCase | None:
    """A case from a true pair, or None when no draw gives an edit with one meaning.

    `formats` weighs "lazy", "search_replace_drift", "unified_diff_drift", "already_applied",
    "search_replace" and "unified_diff" (the last two are exact). The result is a function of the arguments.
    """
    rng = random.Random(seed)
    weights = formats or FORMATS
    every = line_hunks(old, new)
    if not every:
        return None
    for _ in range(ATTEMPTS):
        kind = rng.choices(list(weights), list(weights.values()))[0]
        single = kind.startswith(("search", "unified"))
        chosen = [rng.choice(every)] if single else choose_hunks(every, rng)
        target = apply_hunks(old, new, chosen)
        case = _attempt(list(old), target, renumber(chosen), kind, path, language, rng)
        if case is not None:
            instruction = subject.strip() if subject and rng.random() < 0.2 else ""
            return _with_instruction(case, instruction[:300])
    return None


def _with_instruction(case: SynthCase, instruction: str) -> SynthCase:
    if not instruction:
        return case
    fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
    return SynthCase(**{**fields, "instruction": instruction, "tags": (*case.tags, "instruction")})


def _attempt(
    old: list[str],
    new: list[str],
    hunks: list[Hunk],
    kind: str,
    path: str,
    language: str,
    rng: random.Random,
) -> SynthCase | None:
    if kind.startswith(("search", "unified")):
        maker = search_replace if kind.startswith("search") else unified_hunk
        block = maker(old, new, hunks[0], rng, drift=kind.endswith("drift"))
        if block is None:
            return None
        lines, tags = block
        name = EditFormat.SEARCH_REPLACE if maker is search_replace else EditFormat.UNIFIED_DIFF
        heads = [f"--- a/{path}", f"+++ b/{path}"] if name is EditFormat.UNIFIED_DIFF else []
        text = "\n".join([*heads, *lines]) + "\n"
        return SynthCase(language, path, old, new, text, lines, name, "", tuple(sorted(tags)))
    snippet = lazy_snippet(old, new, hunks, language, rng)
    if snippet is None:
        return None
    fenced = rng.random() < 0.3
    body = "\n".join(snippet.lines)
    text = f"```{language}\n{body}\n```\n" if fenced and "```" not in body else body + "\n"
    tags = snippet.tags | ({"fenced"} if text.startswith("```") else set())
    if kind == "already_applied":
        if any(hunk.removed and not hunk.added for hunk in hunks):
            return None
        return SynthCase(
            language, path, new, new, text, snippet.lines, EditFormat.LAZY, "",
            tuple(sorted(tags | {"already_applied"})), Expectation.ALREADY_APPLIED,
        )  # fmt: skip
    return SynthCase(language, path, old, new, text, snippet.lines, EditFormat.LAZY, "", tuple(sorted(tags)))
