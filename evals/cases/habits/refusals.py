"""Edits that have no place in the file, more than one, or have been made already."""

from __future__ import annotations

import random

from applier.text.hunks import is_weak, line_hunks
from evals.cases.case import Category
from evals.cases.habits.change import NOT_HERE, Change, Written, found_share
from training.synth.blocks import DIVIDER, REPLACE, SEARCH, search_replace, unified_hunk
from training.synth.lazy import Kind, lazy_snippet
from training.synth.view import View

STRANGE = 0.2  # most of an edit's telling lines that may stand in a file it was not written for


def block_for_another_file(change: Change, rng: random.Random) -> Written | None:
    """A block or hunk that was written for another file."""
    other = change.other
    if other is None or other.language != change.language:
        return None
    target, hunks = other.some_hunks(rng)
    maker = rng.choice((search_replace, unified_hunk))
    made = maker(other.old, target, hunks[0], rng, drift=False)
    if made is None or found_share([line[1:] for line in made[0]], change.old) > STRANGE:
        return None
    if found_share(made[0], change.old) > STRANGE:
        return None
    return Written("\n".join(made[0]) + "\n", Category.FUZZY_AS_EXACT, None, refusals=NOT_HERE)


def snippet_for_another_file(change: Change, rng: random.Random) -> Written | None:
    """A lazy snippet whose unchanged lines are another file's.

    Markers at both ends say that it belongs somewhere inside; without them it could be meant as an addition.
    """
    other = change.other
    if other is None or other.language != change.language:
        return None
    target, hunks = other.some_hunks(rng)
    snippet = lazy_snippet(other.old, target, hunks, other.language, rng)
    if snippet is None or not snippet.kinds[0] is snippet.kinds[-1] is Kind.MARKER:
        return None
    context = [
        line
        for line, kind in zip(snippet.lines, snippet.kinds, strict=True)
        if kind is Kind.CONTEXT and not is_weak(line)
    ]
    if len(context) < 2 or found_share(context, change.old) > 0 or found_share(snippet.lines, change.old) > 0:
        return None
    text = "\n".join(snippet.lines) + "\n"
    return Written(text, Category.FUZZY_AS_EXACT, None, refusals=NOT_HERE)


def block_with_two_places(change: Change, rng: random.Random) -> Written | None:
    """A search half that the file has more than once."""
    hunks = [hunk for hunk in line_hunks(change.old, change.new) if hunk.removed]
    rng.shuffle(hunks)
    view = View(change.old, change.new, hunks)
    for hunk in hunks:
        removed = change.old[hunk.old_start : hunk.old_end]
        added = change.new[hunk.new_start : hunk.new_end]
        texts = [line.strip() for line in removed]
        if not any(texts) or all(map(is_weak, removed)):
            continue
        exact = [i for i in view.starts(texts, 0, len(view.old)) if view.old[i : i + len(removed)] == removed]
        if len(exact) > 1:
            lines = [SEARCH, *removed, DIVIDER, *added, REPLACE]
            return Written("\n".join(lines) + "\n", Category.AMBIGUOUS_MATCH, None, refusals=NOT_HERE)
    return None


def block_made_already(change: Change, rng: random.Random) -> Written | None:
    """A block or hunk that the file holds the result of."""
    target, hunks = change.some_hunks(rng)
    hunk = hunks[0]
    maker = rng.choice((search_replace, unified_hunk))
    made = maker(change.old, target, hunk, rng, drift=False)
    if made is None or not hunk.added:
        return None
    before, after = _halves(made[0])
    if _count(target, before) or _count(target, after) != 1:
        return None
    return Written("\n".join(made[0]) + "\n", Category.APPLIED_TWICE, target, old=target)


def _halves(lines: list[str]) -> tuple[list[str], list[str]]:
    if lines[0] == SEARCH:
        divider = lines.index(DIVIDER)
        return lines[1:divider], lines[divider + 1 : -1]
    body = lines[1:]
    before = [line[1:] for line in body if line[0] != "+"]
    return before, [line[1:] for line in body if line[0] != "-"]


def _count(file: list[str], lines: list[str]) -> int:
    if not lines:
        return 0
    return sum(file[i : i + len(lines)] == lines for i in range(len(file) - len(lines) + 1))
