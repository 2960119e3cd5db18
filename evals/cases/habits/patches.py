"""Diffs and patches as models write them: counts that are off, no line numbers, V4A, context from memory."""

from __future__ import annotations

import random
import re

from evals.cases.case import Category
from evals.cases.habits.change import Change, Written
from training.synth.blocks import unified_hunk
from training.synth.view import View


def _hunks(
    change: Change, rng: random.Random, *, least: int = 1, drift: bool = False
) -> tuple[list[list[str]], list[int], list[str]] | None:
    """(body of each hunk, first old line of each, target); with `drift`, one body is misremembered."""
    drawn = change.far_hunks(rng, least)
    if drawn is None:
        return None
    target, hunks = drawn
    drifting = rng.randrange(len(hunks)) if drift else -1
    bodies, starts = [], []
    for index, hunk in enumerate(hunks):
        made = unified_hunk(change.old, target, hunk, rng, drift=False)
        if made is None:
            return None
        head = re.match(r"@@ -(\d+)", made[0][0])
        assert head is not None
        body = made[0][1:]
        if index == drifting:
            drifted = unified_hunk(change.old, target, hunk, rng, drift=True)
            if drifted is None:
                return None
            body = drifted[0][1:]
        bodies.append(body)
        starts.append(int(head[1]))
    return bodies, starts, target


def _diff(change: Change, heads: list[str], bodies: list[list[str]]) -> str:
    lines = [f"--- a/{change.path}", f"+++ b/{change.path}"]
    for head, body in zip(heads, bodies, strict=True):
        lines += [head, *body]
    return "\n".join(lines) + "\n"


def unnumbered_diff(change: Change, rng: random.Random) -> Written | None:
    """Hunk heads without line numbers."""
    made = _hunks(change, rng)
    if made is None:
        return None
    head = rng.choice(("@@ ... @@", "@@", "@@ @@"))
    text = _diff(change, [head] * len(made[0]), made[0])
    return Written(f"```diff\n{text}```\n" if rng.random() < 0.5 else text, Category.PLAIN, made[2])


def miscounted_diff(change: Change, rng: random.Random) -> Written | None:
    """Line numbers and counts that are wrong, and blank context lines without their space."""
    made = _hunks(change, rng)
    if made is None:
        return None
    heads = []
    for start, body in zip(made[1], made[0], strict=True):
        line, count = max(1, start + rng.randint(-30, 30)), max(1, len(body) + rng.randint(-4, 4))
        heads.append(f"@@ -{line},{count} +{line},{max(1, count + rng.randint(-3, 3))} @@")
    bodies = [["" if line == " " else line for line in body] for body in made[0]]
    return Written(_diff(change, heads, bodies), Category.PLAIN, made[2])


def stale_hunk_among_others(change: Change, rng: random.Random) -> Written | None:
    """A diff of several hunks, the context of one of them misremembered: all of it or nothing."""
    made = _hunks(change, rng, least=2, drift=True)
    if made is None:
        return None
    heads = [f"@@ -{start},9 +{start},9 @@" for start in made[1]]
    return Written(_diff(change, heads, made[0]), Category.PARTIAL_APPLICATION, made[2], not_exact=True)


def _v4a(change: Change, rng: random.Random, bodies: list[list[str]], starts: list[int]) -> str:
    view = View(change.old, change.old, [])
    lines = ["*** Begin Patch", f"*** Update File: {change.path}"]
    for body, start in zip(bodies, starts, strict=True):
        # An @@ line leads to what comes below it, so the head must stand above the context.
        heads = [h for h in view.headers(min(start - 1, len(change.old) - 1)) if h < start - 1]
        unique = [h for h in heads if len(view.positions[view.stripped[h]]) == 1]
        lines.append(f"@@ {view.stripped[unique[0]]}" if unique and rng.random() < 0.6 else "@@")
        lines += body
    return "\n".join([*lines, "*** End Patch"]) + "\n"


def v4a(change: Change, rng: random.Random) -> Written | None:
    """A V4A patch whose context is right."""
    made = _hunks(change, rng)
    if made is None:
        return None
    return Written(_v4a(change, rng, made[0], made[1]), Category.PLAIN, made[2])


def v4a_drift(change: Change, rng: random.Random) -> Written | None:
    """A V4A patch with one misremembered hunk."""
    made = _hunks(change, rng, drift=True)
    if made is None:
        return None
    text = _v4a(change, rng, made[0], made[1])
    return Written(text, Category.FUZZY_AS_EXACT, made[2], not_exact=True)
