"""How much of the file a snippet shows, and the rules that leave it with only one meaning.

A snippet is unambiguous when
- a removal is visible: its two neighbours stand side by side, or each old line has a similar new one;
- an insertion has an unchanged neighbour, and on the side of an elision no old line that it could replace;
- the neighbours fit one place of the file, or one place of a scope whose head is shown. A view that cannot
  meet these rules is discarded: a guess is not worth learning.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from rapidfuzz.distance import Indel

from applier.text.hunks import Hunk, is_weak
from training.synth.view import View

SIMILAR = 0.6
DISSIMILAR = 0.45
MAX_ADJACENT_DELETION = 12
MAX_GROWTH = 10
MAX_BLOCK = 45


def replaces_similar(view: View, hunk: Hunk) -> bool:
    """Whether every removed line has its own new line that is similar: a replacement speaks for itself."""
    if hunk.removed != hunk.added:
        return False
    pairs = zip(view.old[hunk.old_start : hunk.old_end], view.new[hunk.new_start : hunk.new_end], strict=True)
    return all(Indel.normalized_similarity(a.strip(), b.strip()) >= SIMILAR for a, b in pairs)


def resembles(view: View, hunk: Hunk, old_lines: range) -> bool:
    """Whether an inserted line looks like one of the old lines beside it, so that it might replace it."""
    added = [line.strip() for line in view.new[hunk.new_start : hunk.new_end] if line.strip()]
    near = [view.stripped[i] for i in old_lines if 0 <= i < len(view.old) and view.stripped[i]]
    return any(Indel.normalized_similarity(a, b) > DISSIMILAR for a in added for b in near)


def with_context(view: View, rng: random.Random) -> None:
    """A few unchanged lines on both sides of every change."""
    above, below = rng.choice((1, 1, 2, 2, 3, 3, 4, 6)), rng.choice((1, 1, 2, 2, 3, 3, 4, 6))
    for hunk in view.hunks:
        view.show_before(hunk, max(1, above + rng.choice((-1, 0, 0, 0, 1))))
        view.show_after(hunk, max(1, below + rng.choice((-1, 0, 0, 0, 1))))


def with_headers(view: View, rng: random.Random) -> None:
    """Context, and the heads of the scopes around each change."""
    with_context(view, rng)
    depth = rng.choice((1, 1, 2, 3))
    for hunk in view.hunks:
        for header in view.headers(hunk.old_start)[:depth]:
            view.show(header, header + 1)


def with_blocks(view: View, rng: random.Random) -> None:
    """The whole function (or other scope) around each change, where it is not long."""
    for hunk in view.hunks:
        headers = view.headers(hunk.old_start, limit=2)
        block = next(((h, view.scope_end(h)) for h in headers if view.scope_end(h) - h <= MAX_BLOCK), None)
        if block is None or block[1] < hunk.old_end:
            view.show_before(hunk, rng.randint(1, 4))
            view.show_after(hunk, rng.randint(1, 4))
        else:
            view.show(*block)
            if len(headers) > 1 and rng.random() < 0.4:
                view.show(headers[-1], headers[-1] + 1)


def with_heads_only(view: View, rng: random.Random) -> None:
    """The head of the scope, a marker, and the change; or the change and a marker."""
    for hunk in view.hunks:
        for header in view.headers(hunk.old_start)[: rng.choice((1, 1, 2))]:
            view.show(header, header + 1)
        side = rng.choice(("above", "below", "none") if replaces_similar(view, hunk) else ("above", "below"))
        if side != "none":
            (view.show_before if side == "above" else view.show_after)(hunk, rng.choice((1, 1, 2, 3)))


STYLES: dict[str, tuple[float, Callable[[View, random.Random], None]]] = {
    "context": (0.42, with_context),
    "headers": (0.2, with_headers),
    "whole_scope": (0.2, with_blocks),
    "heads_only": (0.18, with_heads_only),
}


def settle(view: View, rng: random.Random) -> bool:
    """Grows the view until it has one meaning; False when it cannot get one."""
    for hunk in view.hunks:
        if not settle_neighbours(view, hunk):
            return False
    close_small_gaps(view, rng.choice((1, 2, 2, 3, 4)))
    unique = [settle_place(view, hunk) for hunk in view.hunks]
    for index, hunk in enumerate(view.hunks):
        if unique[index]:
            continue
        beside = [
            k for k in (index - 1, index + 1) if 0 <= k < len(unique) and unique[k] and touches(view, hunk, k)
        ]
        if not beside:
            return False
    trim_blank_edges(view)
    close_small_gaps(view, 1)
    return all(settle_neighbours(view, hunk) for hunk in view.hunks)


def touches(view: View, hunk: Hunk, other: int) -> bool:
    first, second = sorted((hunk, view.hunks[other]), key=lambda h: h.old_start)
    return all(view.shown[i] for i in range(first.old_end, second.old_start))


def _has_text(view: View, lines: range) -> bool:
    return any(view.stripped[i] for i in lines)


def settle_neighbours(view: View, hunk: Hunk) -> bool:
    added = view.new[hunk.new_start : hunk.new_end]
    first_blank = bool(added) and not added[0].strip()
    last_blank = bool(added) and not added[-1].strip()
    above_needed = below_needed = False
    if hunk.removed:
        if not replaces_similar(view, hunk):
            above_needed = below_needed = True
            if not added and hunk.removed > MAX_ADJACENT_DELETION and not _inside_shown_scope(view, hunk):
                return False
    else:
        above, below = _has_text(view, view.before(hunk)), _has_text(view, view.after(hunk))
        if not above and not below:
            above_needed = True
        elif not below and resembles(view, hunk, range(hunk.old_end, hunk.old_end + 2 + hunk.added)):
            below_needed = True
        elif not above and resembles(view, hunk, range(hunk.old_start - 2 - hunk.added, hunk.old_start)):
            above_needed = True
    # A blank line beside a marker is decoration, so a new one must stand beside code.
    above_needed |= first_blank
    below_needed |= last_blank
    if above_needed and not _has_text(view, view.before(hunk)):
        view.show_before(hunk, 1)
    if below_needed and not _has_text(view, view.after(hunk)):
        view.show_after(hunk, 1)
    return True


def _inside_shown_scope(view: View, hunk: Hunk) -> bool:
    """Whether the change lies in a scope shown in full, where nothing can be elided."""
    headers = view.headers(hunk.old_start, limit=1)
    if not headers:
        return False
    end = view.scope_end(headers[0])
    return all(view.shown[i] or view.changed[i] for i in range(headers[0], end))


def settle_place(view: View, hunk: Hunk) -> bool:
    for step in range(MAX_GROWTH):
        if view.places(hunk) == 1:
            return True
        if step >= 2:
            for header in view.headers(hunk.old_start):
                if len(view.positions[view.stripped[header]]) == 1:
                    if view.places(hunk, header, view.scope_end(header)) == 1:
                        view.show(header, header + 1)
                        return True
                    break
        before = (len(view.before(hunk)), len(view.after(hunk)))
        view.show_before(hunk, 1)
        view.show_after(hunk, 1)
        if (len(view.before(hunk)), len(view.after(hunk))) == before:
            break
    return view.places(hunk) == 1


def hidden_runs(view: View) -> list[tuple[int, int]]:
    """Runs of unchanged lines that are not shown, within stretches that no hunk interrupts."""
    edges = [0, *(edge for h in view.hunks for edge in (h.old_start, h.old_end)), len(view.old)]
    runs = []
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        start = None
        for i in range(low, high + 1):
            hidden = i < high and not view.shown[i]
            if hidden and start is None:
                start = i
            elif not hidden and start is not None:
                runs.append((start, i))
                start = None
    return runs


def close_small_gaps(view: View, longest: int) -> None:
    """No one elides a line or two, nor blank lines alone."""
    for start, end in hidden_runs(view):
        inner = start > 0 and end < len(view.old)
        if (inner and end - start <= longest) or not _has_text(view, range(start, end)):
            view.show(start, end)


def trim_blank_edges(view: View) -> None:
    """Blank lines next to an elision are not shown: there they would say nothing."""
    for start, end in hidden_runs(view):
        i = start - 1
        while i > 0 and view.shown[i] and not view.stripped[i] and view.shown[i - 1]:
            view.shown[i] = 0
            i -= 1
        i = end
        while i + 1 < len(view.old) and view.shown[i] and not view.stripped[i] and view.shown[i + 1]:
            view.shown[i] = 0
            i += 1


def weak_view(view: View) -> bool:
    """Whether the snippet shows no line that says where it stands."""
    texts = [view.old[i] for i in range(len(view.old)) if view.shown[i]]
    return all(is_weak(line) for line in texts)
