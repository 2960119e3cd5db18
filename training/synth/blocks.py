"""Search/replace blocks and diff hunks, exact or from memory."""

from __future__ import annotations

import random
from collections.abc import Sequence

from applier.text.hunks import Hunk
from training.synth.drift import misremember
from training.synth.view import View

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
MAX_LINES = 60


def _stretch(view: View, hunk: Hunk, above: int, below: int) -> tuple[range, range] | None:
    """Unchanged lines above and below that make the block unique; None when nothing does."""
    view.show_before(hunk, above)
    view.show_after(hunk, below)
    for _ in range(8):
        old = [view.stripped[i] for i in range(view.before(hunk).start, view.after(hunk).stop)]
        if old and any(old) and len(view.starts(old, 0, len(view.old))) == 1:
            return view.before(hunk), view.after(hunk)
        view.show_before(hunk, 1)
        view.show_after(hunk, 1)
    return None


def search_replace(
    old: Sequence[str], new: Sequence[str], hunk: Hunk, rng: random.Random, *, drift: bool
) -> tuple[list[str], set[str]] | None:
    """One search/replace block as lines, with its tags; None when the draw gives none.

    With `drift`, lines of the search block differ from the file; where a drifted line stands unchanged in
    both halves, the file's own text is what must remain.
    """
    view = View(old, new, [hunk])
    stretch = _stretch(view, hunk, rng.choice((0, 1, 2, 3)), rng.choice((0, 1, 1, 2)))
    if stretch is None:
        return None
    above, below = [old[i] for i in stretch[0]], [old[i] for i in stretch[1]]
    removed, added = list(old[hunk.old_start : hunk.old_end]), list(new[hunk.new_start : hunk.new_end])
    tags = {"search_replace"}
    if drift:
        tags |= _drift(above, removed, below, rng)
        if len(tags) == 1:
            return None
    search, replace = [*above, *removed, *below], [*above, *added, *below]
    if drift and rng.random() < 0.25:
        search, replace = _dedent(search, replace)
        tags.add("dedented")
    if len(search) + len(replace) > 2 * MAX_LINES or not search:
        return None
    if any(line.startswith((SEARCH[:7], DIVIDER, REPLACE[:7])) for line in [*search, *replace]):
        return None
    return [SEARCH, *search, DIVIDER, *replace, REPLACE], tags


def unified_hunk(
    old: Sequence[str], new: Sequence[str], hunk: Hunk, rng: random.Random, *, drift: bool
) -> tuple[list[str], set[str]] | None:
    """One hunk of a unified diff; with `drift` its context is from another version of the file."""
    view = View(old, new, [hunk])
    stretch = _stretch(view, hunk, rng.choice((1, 2, 3, 3)), rng.choice((1, 2, 3, 3)))
    if stretch is None:
        return None
    above, below = [old[i] for i in stretch[0]], [old[i] for i in stretch[1]]
    removed, added = list(old[hunk.old_start : hunk.old_end]), list(new[hunk.new_start : hunk.new_end])
    tags = {"unified_diff"}
    if drift:
        found = _drift(above, removed, below, rng)
        if not found:
            return None
        tags |= found | {"stale_diff"}
    start = stretch[0].start + 1 + (rng.randint(-9, 9) if drift else 0)
    start = max(1, start)
    before, after = len(above) + len(removed) + len(below), len(above) + len(added) + len(below)
    lines = [f"@@ -{start},{before} +{start},{after} @@"]
    lines += [f" {line}" for line in above]
    lines += [f"-{line}" for line in removed]
    lines += [f"+{line}" for line in added]
    lines += [f" {line}" for line in below]
    return (lines, tags) if len(lines) <= 2 * MAX_LINES else None


def _drift(above: list[str], removed: list[str], below: list[str], rng: random.Random) -> set[str]:
    """Misremembers one to three lines in place, never all of them."""
    spots = [(part, i) for part in (above, removed, below) for i in range(len(part)) if part[i].strip()]
    if len(spots) < 2:
        return set()
    tags = set()
    for part, i in rng.sample(spots, min(len(spots) - 1, rng.choice((1, 1, 2, 3)))):
        changed = misremember(part[i], rng)
        if changed != part[i]:
            part[i] = changed
            tags.add("removed_line_drift" if part is removed else "context_drift")
    return tags


def _dedent(search: list[str], replace: list[str]) -> tuple[list[str], list[str]]:
    texts = [line for line in [*search, *replace] if line.strip()]
    width = min(len(line) - len(line.lstrip()) for line in texts)
    return [line[width:] if line.strip() else line for line in search], [
        line[width:] if line.strip() else line for line in replace
    ]
