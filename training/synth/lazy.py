"""Lazy snippets: the changed lines with some of the lines around them, and markers for the rest."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from applier.parse.markers import MarkerKind, find_markers, trailing_marker
from applier.text.hunks import Hunk, is_weak
from training.synth.context import STYLES, hidden_runs, settle, weak_view
from training.synth.markers import MarkerHabit
from training.synth.view import View, indent_of

OMIT_MIDDLE_FROM = 40  # elided lines from which a missing marker in the middle cannot be a deletion
MAX_SNIPPET = 160


class Kind(StrEnum):
    """What a line of the snippet is."""

    CONTEXT = "context"
    NEW = "new"
    MARKER = "marker"
    DELETION = "deletion"
    BLANK = "blank"


@dataclass
class Snippet:
    """Lines with their kinds, and the habits they show."""

    lines: list[str] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def add(self, line: str, kind: Kind) -> None:
        """Appends one line."""
        self.lines.append(line)
        self.kinds.append(kind)


def lazy_snippet(
    old: Sequence[str], new: Sequence[str], hunks: Sequence[Hunk], language: str, rng: random.Random
) -> Snippet | None:
    """A snippet whose only meaning is the change from `old` to `new`; None when the draw gives none."""
    view = View(old, new, hunks)
    styles = list(STYLES)
    style = rng.choices(styles, [STYLES[name][0] for name in styles])[0]
    STYLES[style][1](view, rng)
    if not settle(view, rng) or weak_view(view):
        return None
    snippet = _render(view, MarkerHabit(language, rng), rng)
    snippet.tags.add(f"style:{style}")
    snippet.tags |= _change_tags(hunks)
    _drift(snippet, MarkerHabit(language, rng), language, rng)
    if not 0 < len(snippet.lines) <= MAX_SNIPPET or not _marks_exactly(snippet, language):
        return None
    return snippet


def _change_tags(hunks: Sequence[Hunk]) -> set[str]:
    tags = {"several_hunks"} if len(hunks) > 1 else {"one_hunk"}
    if any(hunk.removed and not hunk.added for hunk in hunks):
        tags.add("pure_deletion")
    if any(hunk.added and not hunk.removed for hunk in hunks):
        tags.add("insertion")
    if any(hunk.added and hunk.removed for hunk in hunks):
        tags.add("replacement")
    if len(hunks) > 1 and hunks[-1].old_start - hunks[0].old_end > 60:
        tags.add("far_apart")
    return tags


def _render(view: View, habit: MarkerHabit, rng: random.Random) -> Snippet:
    """Walks the change in the new file's order."""
    snippet = Snippet()
    hidden = dict(hidden_runs(view))
    mark_start, mark_end = rng.random() < 0.62, rng.random() < 0.62
    omit_middle = rng.random() < 0.06
    comment_deletions = rng.random() < 0.2
    padding = rng.choice((0.0, 0.0, 0.0, 0.3, 1.0))
    hunks = {hunk.old_start: hunk for hunk in view.hunks}
    i, total = 0, len(view.old)
    while i <= total:
        hunk = hunks.pop(i, None)
        if hunk is not None:
            for line in view.new[hunk.new_start : hunk.new_end]:
                snippet.add(line, Kind.NEW)
            deletion = habit.deletion() if comment_deletions and not hunk.added else None
            if deletion is not None:
                indent = view.old[hunk.old_start][: _width(view.old[hunk.old_start])]
                snippet.add(indent + deletion, Kind.DELETION)
                snippet.tags.add("deletion_comment")
            i = hunk.old_end
            if hunk.removed:
                continue
        if i == total:
            break
        if i in hidden:
            end = hidden[i]
            first, last = i == 0, end == total
            wanted = mark_start if first else mark_end if last else True
            if not first and not last and omit_middle and _may_omit(view, i, end, snippet):
                wanted = False
                snippet.tags.add("missing_marker_middle")
            if wanted:
                _add_marker(snippet, view, habit, i, end, padding, rng)
            elif first or last:
                snippet.tags.add("missing_marker_start" if first else "missing_marker_end")
            i = end
            continue
        snippet.add(view.old[i], Kind.CONTEXT)
        i += 1
    return snippet


def _width(line: str) -> int:
    return len(line) - len(line.lstrip())


def _may_omit(view: View, start: int, end: int, snippet: Snippet) -> bool:
    if end - start < OMIT_MIDDLE_FROM or not snippet.kinds or snippet.kinds[-1] is not Kind.CONTEXT:
        return False
    return bool(view.shown[end]) and indent_of(view.old[end]) <= indent_of(view.old[start])


def _add_marker(
    snippet: Snippet, view: View, habit: MarkerHabit, start: int, end: int, padding: float, rng: random.Random
) -> None:
    texts = [i for i in range(start, end) if view.stripped[i]]
    inner = view.old[texts[0] if texts else start]
    outer = view.old[end] if end < len(view.old) and rng.random() < 0.2 else inner
    indent = min((inner, outer), key=_width)
    indent = indent[: _width(indent)]
    if snippet.kinds and snippet.kinds[-1] is Kind.CONTEXT and rng.random() < padding:
        snippet.add("", Kind.BLANK)
    marker = habit.elision(first=start == 0, last=end == len(view.old), indent=indent)
    snippet.add(indent + marker, Kind.MARKER)
    follows_context = end < len(view.old) and view.shown[end] and not view.changed[end]
    starts_hunk = any(hunk.old_start == end for hunk in view.hunks)
    if follows_context and not starts_hunk and rng.random() < padding:
        snippet.add("", Kind.BLANK)


def _drift(snippet: Snippet, habit: MarkerHabit, language: str, rng: random.Random) -> None:
    """Small infidelities in the unchanged lines, and a snippet that lost its indentation."""
    context = [i for i, kind in enumerate(snippet.kinds) if kind is Kind.CONTEXT and not _blank(snippet, i)]
    plain = [i for i in context if not is_weak(snippet.lines[i])]
    if plain and rng.random() < 0.06:
        for i in rng.sample(plain, min(len(plain), rng.choice((1, 1, 2)))):
            text = habit.trailing(snippet.lines[i])
            if text is not None and trailing_marker(text, language) is not None:
                snippet.lines[i] = text
                snippet.tags.add("trailing_comment_drift")
    if context and rng.random() < 0.04:
        for i in rng.sample(context, min(len(context), 2)):
            snippet.lines[i] += rng.choice((" ", "  ", "\t"))
        snippet.tags.add("trailing_space_drift")
    texts = [i for i, line in enumerate(snippet.lines) if line.strip()]
    shared = _shared_indent([snippet.lines[i] for i in texts])
    if shared and context and rng.random() < 0.15:
        for i in texts:
            snippet.lines[i] = snippet.lines[i][len(shared) :]
        snippet.tags.add("dedented")


def _blank(snippet: Snippet, i: int) -> bool:
    return not snippet.lines[i].strip()


def _shared_indent(lines: Sequence[str]) -> str:
    """The white space that all lines start with."""
    shared = lines[0][: _width(lines[0])] if lines else ""
    for line in lines:
        while not line.startswith(shared):
            shared = shared[:-1]
    return shared


def _marks_exactly(snippet: Snippet, language: str) -> bool:
    """Whether the applier takes exactly the markers written for markers: code that looks like one spoils the
    snippet.
    """
    expected = {
        i: kind is Kind.DELETION
        for i, kind in enumerate(snippet.kinds)
        if kind in (Kind.MARKER, Kind.DELETION)
    }
    found = {i: kind is MarkerKind.DELETE for i, kind in find_markers(snippet.lines, language).items()}
    return found == expected
