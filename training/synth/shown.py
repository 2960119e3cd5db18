"""What a chat answer shows of a file: a member alone, an addition beside a marker, a body with holes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from applier.text.hunks import Hunk, is_weak
from training.synth import talk
from training.synth.context import (
    close_small_gaps,
    replaces_similar,
    settle_neighbours,
    settle_place,
    touches,
    trim_blank_edges,
    with_blocks,
    with_context,
    with_headers,
    with_heads_only,
)
from training.synth.remarks import COMMENT_SIGNS, HEAD, IMPORT, METHOD, names_in
from training.synth.view import View, indent_of

LONG_MEMBER = 70
MAX_WHOLE = 160


@dataclass
class Showing:
    """Where the author says in words, or leaves to the reader's sense, that a hunk belongs.

    `said[index of the hunk]` is (pool of sentences or None, name of the neighbour).
    """

    view: View
    said: dict[int, tuple[tuple[str, ...] | None, str]] = field(default_factory=dict)
    bare: set[int] = field(default_factory=set)  # hunks that stand without a neighbour, by likeness alone


def name_at(view: View, line: int) -> str | None:
    """The name that a line defines, if it is a head."""
    text = view.old[line]
    if text.lstrip().startswith(COMMENT_SIGNS):
        return None
    match = HEAD.search(text) or METHOD.match(text)
    return match[1] if match else None


def scope_name(view: View, hunk: Hunk) -> str | None:
    """The innermost named scope around a hunk, or the name that its own lines define."""
    for header in view.headers(hunk.old_start):
        name = name_at(view, header)
        if name:
            return name
    names = names_in(view.new[hunk.new_start : hunk.new_end], "", 1)
    return names[0] if names else None


def _member(view: View, hunk: Hunk) -> range | None:
    """The named scope that holds a hunk, heads that the hunk changes included."""
    first = next((i for i in range(hunk.old_start, hunk.old_end) if name_at(view, i)), None)
    heads = view.headers(hunk.old_start) if first is None else [first]
    for header in heads:
        if name_at(view, header):
            end = view.scope_end(header)
            return range(header, end) if end >= hunk.old_end and end - header <= LONG_MEMBER else None
    return None


def member_alone(showing: Showing, rng: random.Random) -> None:
    """Whole functions, nothing around them; a doc comment or decorator above is left out as often as not."""
    view = showing.view
    for hunk in view.hunks:
        member = _member(view, hunk)
        if member is None:
            view.show_before(hunk, rng.randint(1, 3))
            view.show_after(hunk, rng.randint(1, 3))
            continue
        start = member.start
        while (
            rng.random() < 0.5
            and start > 0
            and view.stripped[start - 1].startswith(("@", "#[", "[", "*", "/", "#"))
        ):
            start -= 1
        view.show(start, member.stop)


def holes(showing: Showing, rng: random.Random) -> None:
    """Members with their bodies mostly left out."""
    member_alone(showing, rng)
    view = showing.view
    for hunk in view.hunks:
        for header in view.headers(hunk.old_start)[: rng.choice((0, 1, 1, 2))]:
            view.show(header, header + 1)
    thin(view, rng, rng.choice((2, 3, 3, 4)))


def big_region(showing: Showing, rng: random.Random) -> None:
    """Much of the surroundings."""
    view = showing.view
    for hunk in view.hunks:
        view.show_before(hunk, rng.randint(6, 30))
        view.show_after(hunk, rng.randint(6, 30))
    if rng.random() < 0.5:
        thin(view, rng, rng.choice((3, 4, 6)))


def sparse(showing: Showing, rng: random.Random) -> None:
    """A line or two around a change, or none where the change speaks for itself."""
    view = showing.view
    for hunk in view.hunks:
        view.show_before(hunk, rng.choice((0, 1, 1, 2)))
        view.show_after(hunk, rng.choice((0, 0, 1, 2)))


def bare(showing: Showing, rng: random.Random) -> None:
    """Only the new lines where each replaces one like it that the file holds once; else some context."""
    view = showing.view
    for index, hunk in enumerate(view.hunks):
        texts = [view.stripped[i] for i in range(hunk.old_start, hunk.old_end)]
        strong = [text for text in texts if not is_weak(text)]
        if strong and replaces_similar(view, hunk) and all(len(view.positions[text]) == 1 for text in strong):
            showing.bare.add(index)
        else:
            view.show_before(hunk, rng.choice((1, 1, 1, 2)))
            view.show_after(hunk, rng.choice((0, 0, 1)))


def skeleton(showing: Showing, rng: random.Random) -> None:
    """Heads of the scopes around, and their last lines."""
    view = showing.view
    with_context(view, rng)
    for hunk in view.hunks:
        for header in view.headers(hunk.old_start):
            view.show(header, header + 1)
            end = view.scope_end(header) - 1
            if end > header and is_weak(view.old[end]):
                view.show(end, end + 1)
            if rng.random() < 0.3:  # siblings of the change, by their heads
                for i in range(header + 1, min(end, header + 200)):
                    if name_at(view, i) and indent_of(view.old[i]) == indent_of(view.old[hunk.old_start - 1]):
                        view.show(i, i + 1) if rng.random() < 0.25 else None


def whole(showing: Showing, rng: random.Random) -> None:
    """The whole file."""
    if len(showing.view.new) <= MAX_WHOLE:
        showing.view.show(0, len(showing.view.old))


def thin(view: View, rng: random.Random, margin: int) -> None:
    """Hides the inner part of long shown stretches; the lines next to changes stay."""
    near = bytearray(len(view.old) + 1)
    for hunk in view.hunks:
        for i in range(max(0, hunk.old_start - margin), min(len(view.old), hunk.old_end + margin)):
            near[i] = 1
    i = 0
    while i < len(view.old):
        start = i
        while i < len(view.old) and view.shown[i] and not near[i]:
            i += 1
        head = 1 + (rng.random() < 0.4)
        low, high = start + head, i - (1 if rng.random() < 0.6 else 0)
        if high - low >= 4 and rng.random() < 0.75:
            for k in range(low, high):
                view.shown[k] = 0
        i = max(i, start + 1)


def additions(showing: Showing, rng: random.Random, likely: float) -> None:
    """New members and imports without a neighbour: placed in words, by their scope, or by a marker."""
    view = showing.view
    for index, hunk in enumerate(view.hunks):
        if hunk.removed or rng.random() > likely:
            continue
        texts = [line for line in view.new[hunk.new_start : hunk.new_end] if line.strip()]
        if not texts:
            continue
        place = _place_of(view, hunk, texts[0])
        if place is None:
            continue
        showing.said[index] = place


def _place_of(view: View, hunk: Hunk, first: str) -> tuple[tuple[str, ...] | None, str] | None:
    above = next((i for i in range(hunk.old_start - 1, -1, -1) if view.stripped[i]), None)
    below = next((i for i in range(hunk.old_end, len(view.old)) if view.stripped[i]), None)
    indent = indent_of(first)
    if IMPORT.match(first) and above is not None and IMPORT.match(view.old[above]):
        if below is None or not IMPORT.match(view.old[below]):
            return talk.IMPORTS, ""
        return None
    if below is None:
        return talk.FILE_END, ""
    starts = first.lstrip().startswith(("@", "/", "#", "*"))
    named = starts or HEAD.search(first) or METHOD.match(first)
    if not named:
        return None
    if above is not None and indent_of(view.old[below]) < indent:
        header = next((h for h in view.headers(hunk.old_start) if indent_of(view.old[h]) < indent), None)
        if header is not None and name_at(view, header) and view.scope_end(header) - 1 <= below:
            return talk.SCOPE_END, name_at(view, header) or ""
    name = _name_below(view, below, indent)
    if name and _once(view, name):
        return talk.BEFORE, name
    for i in range(hunk.old_start - 1, max(-1, hunk.old_start - 120), -1):
        if view.stripped[i] and indent_of(view.old[i]) == indent and name_at(view, i):
            name = name_at(view, i) or ""
            return (talk.AFTER, name) if view.scope_end(i) - 1 == above and _once(view, name) else None
    return None


def _name_below(view: View, line: int, indent: int) -> str | None:
    """The name that starts at a line, behind its decorators and comments."""
    for i in range(line, min(line + 12, len(view.old))):
        if not view.stripped[i] or indent_of(view.old[i]) < indent:
            return None
        name = name_at(view, i) if indent_of(view.old[i]) == indent else None
        if name or not view.stripped[i].startswith(("@", "#", "/", "*", "[", '"')):
            return name
    return None


def _once(view: View, name: str) -> bool:
    return sum(name_at(view, i) == name for i in range(len(view.old)) if name in view.old[i]) == 1


def show_for_addition(showing: Showing, index: int, rng: random.Random, *, words: bool) -> bool:
    """Shows what an addition needs when nothing is said in words; whether a sentence is still needed."""
    view, hunk = showing.view, showing.view.hunks[index]
    pool = showing.said[index][0]
    if pool is talk.SCOPE_END and (not words or rng.random() < 0.6):
        header = next(h for h in view.headers(hunk.old_start) if name_at(view, h))
        view.show(header, header + 1)
        end = view.scope_end(header) - 1
        if rng.random() < 0.7 and is_weak(view.old[end]):
            view.show(end, end + 1)
        return False
    if pool is talk.IMPORTS:
        return words and rng.random() < 0.7
    if pool is talk.FILE_END:
        if not words or rng.random() < 0.4:
            view.show_before(hunk, rng.choice((1, 1, 2, 3)) if rng.random() < 0.6 else 0)
        return words
    if not words:
        view.show_before(hunk, rng.choice((1, 2))) if pool is talk.AFTER else view.show_after(hunk, 1)
        return False
    if rng.random() < 0.3:
        view.show_before(hunk, rng.choice((1, 2, 3)))
    return True


def close_scopes(view: View, rng: random.Random, likely: float) -> None:
    """Closing lines of scopes whose heads are shown."""
    for i in range(len(view.old)):
        if view.shown[i] and view.stripped[i].endswith(("{", "(", "[")) and rng.random() < likely:
            end = view.scope_end(i) - 1
            if end > i and is_weak(view.old[end]):
                view.show(end, end + 1)


def settle_loosely(showing: Showing, rng: random.Random, sloppy: float) -> bool:
    """Grows the view until each hunk without words has its place; `sloppy` authors leave out a neighbour."""
    view = showing.view
    free = [
        hunk
        for index, hunk in enumerate(view.hunks)
        if index not in showing.said and index not in showing.bare
    ]
    for hunk in free:
        bare = not any(view.stripped[i] for i in (*view.before(hunk), *view.after(hunk)))
        if (bare and not hunk.removed) or rng.random() >= sloppy:
            if not settle_neighbours(view, hunk):
                return False
        elif hunk.removed and not hunk.added:
            settle_neighbours(view, hunk)
    close_small_gaps(view, rng.choice((1, 1, 2, 2, 3)))
    unique = {id(hunk): settle_place(view, hunk) for hunk in free}
    for index, hunk in enumerate(view.hunks):
        if index in showing.said or index in showing.bare or unique[id(hunk)]:
            continue
        beside = [k for k in (index - 1, index + 1) if 0 <= k < len(view.hunks) and touches(view, hunk, k)]
        if not any(unique.get(id(view.hunks[k])) for k in beside):
            return False
    if rng.random() < 0.8:
        trim_blank_edges(view)
    close_small_gaps(view, 1)
    return all(settle_neighbours(view, hunk) for hunk in free if hunk.removed and not hunk.added)


Styler = Callable[["Showing", random.Random], object]


def _plain(styler: Callable[[View, random.Random], object]) -> Styler:
    return lambda showing, rng: styler(showing.view, rng)


CHAT = {
    "member": (0.2, member_alone),
    "holes": (0.24, holes),
    "context": (0.2, _plain(with_context)),
    "headers": (0.08, _plain(with_headers)),
    "skeleton": (0.1, skeleton),
    "sparse": (0.08, sparse),
    "bare": (0.06, bare),
    "scope": (0.08, _plain(with_blocks)),
}
TERSE = {
    "bare": (0.55, bare),
    "member": (0.2, member_alone),
    "sparse": (0.2, sparse),
    "context": (0.05, _plain(with_context)),
}
SNIPPET = {
    "context": (0.45, _plain(with_context)),
    "headers": (0.12, _plain(with_headers)),
    "scope": (0.18, _plain(with_blocks)),
    "holes": (0.1, holes),
    "heads": (0.05, _plain(with_heads_only)),
    "sparse": (0.1, sparse),
}
REGION = {"region": (1.0, big_region)}
WHOLE = {"whole": (1.0, whole)}
