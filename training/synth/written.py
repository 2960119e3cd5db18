"""Edits in the ways that coding agents and chat assistants write them, with every line's label."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from applier.text.hunks import Hunk, is_weak
from training.synth import shown as views
from training.synth import talk as sentences
from training.synth.context import hidden_runs
from training.synth.labels import EditLabels, Label
from training.synth.markers import comment_styles
from training.synth.remarks import DATA, Remarks
from training.synth.rendering import EditText
from training.synth.shown import Showing, scope_name
from training.synth.slips import dedent, slip
from training.synth.talk import Talk
from training.synth.view import View, indent_of

ATTEMPTS = 4
MAX_LINES = 260
MAX_JUMP = 30  # lines that an author who marks others passes over without a marker
Styles = Mapping[str, tuple[float, Callable[[Showing, random.Random], object]]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How one kind of author writes: views, chances of markers at the edges, fences, talk, slips."""

    views: Styles
    first: tuple[float, ...]
    last: tuple[float, ...]
    fence: float
    talk: float
    closer: float
    tool: bool
    slips: float
    dedent: float
    split: float
    additions: float
    sloppy: float


MANNERS: dict[str, tuple[float, Manner]] = {
    "a": (
        0.48,
        Manner(
            views.CHAT,
            (0.0, 0.0, 0.1, 0.4),
            (0.0, 0.2, 0.4, 0.9),
            1.0,
            0.97,
            0.4,
            False,
            0.18,
            0.07,
            0.6,
            0.9,
            0.12,
        ),
    ),
    "b": (0.14, Manner(views.TERSE, (0.0,), (0.0,), 0.6, 0.04, 0.0, False, 0.04, 0.75, 0.4, 0.6, 0.3)),
    "c": (
        0.08,
        Manner(views.REGION, (0.2, 0.6), (0.4, 0.9), 0.8, 0.6, 0.12, False, 0.3, 0.02, 0.05, 0.0, 0.05),
    ),
    "d": (0.03, Manner(views.WHOLE, (0.0,), (0.0,), 0.9, 0.7, 0.0, False, 0.12, 0.0, 0.0, 0.0, 0.0)),
    "i": (
        0.06,
        Manner(views.SNIPPET, (0.7, 1.0), (0.6, 1.0), 0.02, 0.0, 0.0, True, 0.12, 0.02, 0.0, 0.3, 0.08),
    ),
    "m": (
        0.16,
        Manner(views.SNIPPET, (0.8, 1.0), (0.8, 1.0), 0.02, 0.0, 0.0, True, 0.22, 0.02, 0.0, 0.2, 0.06),
    ),
    "p": (0.05, Manner(views.SNIPPET, (0.8, 1.0), (0.8, 1.0), 0.1, 0.0, 0.0, True, 0.1, 0.0, 0.0, 0.0, 0.0)),
}


@dataclass(frozen=True, slots=True)
class WrittenEdit:
    """An edit as text, with its right answer and what each line of it is."""

    style: str
    edit: str
    instruction: str
    result: list[str]
    labels: EditLabels
    tags: tuple[str, ...]


def write_edit(
    old: Sequence[str],
    new: Sequence[str],
    hunks: Sequence[Hunk],
    path: str,
    language: str,
    subject: str,
    seed: int,
    style: str | None = None,
) -> WrittenEdit | None:
    """An edit that turns `old` into `new`, a function of the arguments; None when no draw gives one.

    `hunks` are the changes from `old` to `new` (`applier.hunks.line_hunks`). `style` is a key of `MANNERS`.
    """
    rng = random.Random(seed)
    if not hunks:
        return None
    for _ in range(ATTEMPTS):
        chosen = style or rng.choices(list(MANNERS), [weight for weight, _ in MANNERS.values()])[0]
        author = _Author(list(old), list(new), list(hunks), path, language, subject, chosen, rng)
        text = author.write()
        if text is None or not 0 < len(text.lines) <= MAX_LINES:
            continue
        removed = [i for hunk in hunks for i in range(hunk.old_start, hunk.old_end)]
        written = {j for label, j in zip(text.labels, text.sources, strict=True) if label == Label.NEW}
        unshown = [j for h in hunks for j in range(h.new_start, h.new_end) if j not in written]
        if any(new[j].strip(" \t,;") and j not in author.forgiven for j in unshown):
            continue
        instruction = subject.strip().split("\n")[0][:300] if chosen == "i" else ""
        return WrittenEdit(
            chosen, "\n".join(text.lines) + "\n", instruction, list(new),
            text.with_removed(removed, unshown), tuple(sorted(author.tags)),
        )  # fmt: skip
    return None


class _Author:
    def __init__(
        self,
        old: list[str],
        new: list[str],
        hunks: list[Hunk],
        path: str,
        language: str,
        subject: str,
        style: str,
        rng: random.Random,
    ) -> None:
        self.old, self.new, self.hunks, self.path, self.language = old, new, hunks, path, language
        self.style, self.rng = style, rng
        self.manner = MANNERS[style][1]
        self.remarks = Remarks(language, rng, tool=self.manner.tool)
        self.talk = Talk(path, subject, rng)
        self.tags: set[str] = set()
        self.forgiven: set[int] = set()
        self.edge_first = rng.random() < rng.choice(self.manner.first)
        self.edge_last = rng.random() < rng.choice(self.manner.last)
        self.padding = rng.choice((0.0, 0.0, 0.5, 1.0))
        self.sign_gap = rng.choice(("", "", " "))

    def write(self) -> EditText | None:
        """The whole edit, or None when this draw has none."""
        rng, manner = self.rng, self.manner
        view = View(self.old, self.new, self.hunks)
        showing = Showing(view)
        name = rng.choices(list(manner.views), [weight for weight, _ in manner.views.values()])[0]
        self.tags.add(f"view:{name}")
        views.additions(showing, rng, manner.additions)
        manner.views[name][1](showing, rng)
        with_words = rng.random() < manner.talk
        worded = {
            k
            for k in showing.said
            if self._hide(showing, k) and views.show_for_addition(showing, k, rng, words=with_words)
        }
        if manner.fence:
            views.close_scopes(view, rng, rng.choice((0.0, 0.3, 0.9)))
        if self.style == "d" and not all(view.shown[i] or view.changed[i] for i in range(len(self.old))):
            return None
        if self.style != "d" and not views.settle_loosely(showing, rng, manner.sloppy):
            return None
        blocks = self._blocks(view, worded)
        if showing.said:
            self.tags.add("addition")
        texts = [self._block(view, start, end, number) for number, (start, end) in enumerate(blocks)]
        for text in texts:
            self._commas(text)
            if rng.random() < manner.slips and self.style != "p":
                self.tags |= slip(text, rng, self.language)
            if rng.random() < manner.dedent and dedent(text, 0, len(text.lines), rng):
                self.tags.add("dedented")
        return self._assemble(view, blocks, texts, showing, worded, with_words)

    def _hide(self, showing: Showing, index: int) -> bool:
        """Neighbours of an addition that words or a scope place are mostly not shown."""
        view, hunk = showing.view, showing.view.hunks[index]
        for i in (*view.before(hunk), *view.after(hunk)):
            view.shown[i] = 0
        return True

    def _blocks(self, view: View, worded: set[int]) -> list[tuple[int, int]]:
        """Ranges of old lines, each with a hunk, that the author sends one by one."""
        split = self.rng.random() < self.manner.split
        cuts: list[int] = []
        for start, end in hidden_runs(view):
            between = [k for k, h in enumerate(view.hunks) if h.old_end <= start]
            after = [k for k, h in enumerate(view.hunks) if h.old_start >= end]
            since = [k for k in between if not cuts or view.hunks[k].old_start >= cuts[-1]]
            if (
                since
                and after
                and (
                    worded & {since[-1], after[0]}
                    or (
                        (split and self.rng.random() < 0.75)
                        or (self.style == "b" and self.rng.random() < 0.7)
                    )
                )
            ):
                cuts.append((start + end + 1) // 2)
        for k in sorted(worded):  # an addition in words stands alone
            hunk = view.hunks[k]
            for edge, other in ((hunk.old_start, k - 1), (hunk.old_end, k + 1)):
                if 0 <= other < len(view.hunks) and not any(
                    min(edge, view.hunks[other].old_end) <= cut <= max(edge, view.hunks[other].old_start)
                    for cut in cuts
                ):
                    return [(0, len(self.old))]
        edges = [0, *cuts, len(self.old)]
        if cuts:
            self.tags.add("several_blocks")
        return list(pairwise(edges))

    def _block(self, view: View, low: int, high: int, number: int) -> EditText:
        """One block's lines in the order of the result."""
        rng, text = self.rng, EditText()
        hunks = [
            h for h in view.hunks if low <= h.old_start and (h.old_start < high or high == len(self.old))
        ]
        if number and hunks and rng.random() < 0.25:
            for header in reversed(view.headers(hunks[0].old_start)[:1]):
                if header < low and not view.changed[header]:
                    text.add(self.old[header], Label.CONTEXT, header)
                    self._mark(text, view, header + 1, hunks[0].old_start)
        waiting = {h.old_start: h for h in hunks}
        runs = {
            max(a, low): (max(a, low), min(b, high)) for a, b in hidden_runs(view) if a < high and b > low
        }
        # Without markers a jump and a deletion look alike, so an edit has one of them only.
        terse = self.style == "b" and all(h.added or not h.removed for h in hunks) and rng.random() < 0.3
        drop_middle = terse or rng.random() < (0.12 if self.manner.talk else 0.02)
        i = low
        while i <= high:
            hunk = waiting.pop(i, None)
            if hunk is not None:
                self._write_hunk(text, hunk)
                i = hunk.old_end
                if hunk.removed:
                    continue
            if i >= high:
                break
            if i in runs:
                start, end = runs[i]
                more = bool(waiting) or any(view.shown[k] for k in range(end, high))
                here = bool(text.lines)
                wanted = self.edge_first if not here else self.edge_last if not more else True
                if here and more and drop_middle and self._may_jump(view, start, end, text, terse):
                    wanted = False
                    self.tags.add("jump")
                if wanted:
                    self._mark(text, view, start, end)
                i = end
                continue
            if not (view.shown[i] or view.changed[i]):
                i += 1
                continue
            text.add(self.old[i], Label.CONTEXT, i)
            i += 1
        while text.lines and not text.lines[-1].strip() and text.labels[-1] != Label.NEW:
            text.drop(len(text.lines) - 1, len(text.lines))
        lead = 0
        while lead < len(text.lines) and not text.lines[lead].strip() and text.labels[lead] != Label.NEW:
            lead += 1
        text.drop(0, lead)
        self._trim_new(text)
        self._close_up(text)
        return text

    def _write_hunk(self, text: EditText, hunk: Hunk) -> None:
        if self.style == "p":
            for i in range(hunk.old_start, hunk.old_end):
                text.add(f"-{self.sign_gap}{self.old[i]}", Label.REMOVED, i)
            for j in range(hunk.new_start, hunk.new_end):
                text.add(f"+{self.sign_gap}{self.new[j]}", Label.NEW, j)
            return
        if hunk.removed and not hunk.added and self.rng.random() < 0.08 and self.manner.talk:
            line = self.old[hunk.old_start]
            word = self.rng.choice(
                ("removed", "... removed ...", "(removed)", "deleted", "no longer needed: removed")
            )
            text.add(
                line[: len(line) - len(line.lstrip())] + comment_styles(self.language)[0](word), Label.MARKER
            )
        for j in range(hunk.new_start, hunk.new_end):
            text.add(self.new[j], Label.NEW, j)

    def _trim_new(self, text: EditText) -> None:
        """Blank new lines at the edges of a block are not shown: a fence stands there."""
        if self.rng.random() < 0.15:
            return
        while text.lines and not text.lines[-1].strip():
            text.drop(len(text.lines) - 1, len(text.lines))
        while text.lines and not text.lines[0].strip():
            text.drop(0, 1)

    def _close_up(self, text: EditText) -> None:
        """A blank new line beside a marker is not shown: the marker separates already."""
        if self.rng.random() < 0.25 or self.style == "p":
            return
        for k in range(len(text.lines) - 1, -1, -1):
            beside = [text.labels[n] for n in (k - 1, k + 1) if 0 <= n < len(text.lines)]
            if text.labels[k] == Label.NEW and not text.lines[k].strip() and Label.MARKER in beside:
                text.drop(k, k + 1)

    def _may_jump(self, view: View, start: int, end: int, text: EditText, terse: bool) -> bool:
        """A marker may be missing between unchanged lines: before one that closes or starts something further
        out, and anywhere for a terse author.
        """
        if end >= len(self.old) or not view.shown[end] or text.labels[-1] != Label.CONTEXT:
            return False
        if end - start > MAX_JUMP and not terse:
            return False
        return terse or is_weak(self.old[end]) or indent_of(self.old[end]) < indent_of(text.lines[-1])

    def _mark(self, text: EditText, view: View, start: int, end: int) -> None:
        hidden = self.old[start:end]
        texts = [line for line in hidden if line.strip()]
        if not texts:
            return
        least = min(texts, key=lambda line: len(line) - len(line.lstrip()))
        near = text.lines[-1] if text.lines else texts[0]
        inner = texts[0] if self.rng.random() < 0.8 else least
        indent = inner[: len(inner) - len(inner.lstrip())]
        marker = self.remarks.marker(hidden, first=start == 0, last=end == len(self.old), near=near)
        if text.lines and self.rng.random() < self.padding:
            text.add("", Label.MARKER)
        if marker.startswith("* "):
            indent = indent if indent.endswith(" ") else indent + " "
        text.add(indent + marker, Label.MARKER)
        if self.rng.random() < self.padding:
            text.add("", Label.MARKER)

    def _commas(self, text: EditText) -> None:
        """Slips with the commas between entries: what is new lacks one, or the neighbour does."""
        if self.language not in DATA | {"javascript", "typescript", "tsx", "python", "rust", "php", "java"}:
            return
        removed = {self.old[i].strip() for h in self.hunks for i in range(h.old_start, h.old_end)}
        for k in range(len(text.lines) - 1, -1, -1):
            line = text.lines[k].rstrip()
            if text.labels[k] != Label.NEW or not line.endswith(","):
                continue
            alone = line.strip()[:-1] in removed
            if alone and self.rng.random() < 0.25:
                self.tags.add("comma")
                if self.rng.random() < 0.4 and k and text.labels[k - 1] == Label.MARKER:
                    self.forgiven.add(text.sources[k])
                    text.drop(k, k + 1)
                else:
                    text.lines[k] = line[:-1]

    def _assemble(
        self,
        view: View,
        blocks: list[tuple[int, int]],
        texts: list[EditText],
        showing: Showing,
        worded: set[int],
        with_words: bool,
    ) -> EditText | None:
        rng, out = self.rng, EditText()
        several = len(blocks) > 1
        fenced = rng.random() < self.manner.fence or several or with_words
        tag = _fence_tag(self.language, self.path, rng)
        ticks = "````" if any("```" in line for text in texts for line in text.lines) else "```"
        named = [view.hunks[next(iter(self._in(view, a, b)), 0)] for a, b in blocks]
        titles = [scope_name(view, hunk) for hunk in named]
        if with_words:
            lead = self.talk.line(sentences.LEADS, titles[0])
            if lead and rng.random() < 0.97:
                out.say(lead)
                out.say("")
        for number, ((start, end), text) in enumerate(zip(blocks, texts, strict=True)):
            if not text.lines:
                return None
            spoken = self._heading(view, start, end, number, several, titles[number], showing, worded)
            if spoken and (with_words or several):
                out.say(spoken)
                out.say("")
            if fenced:
                out.say(f"{ticks}{tag}")
            if (
                number == 0
                and self.manner.talk > 0.3
                and rng.random() < 0.06
                and comment_styles(self.language)
            ):
                out.say(comment_styles(self.language)[0](self.path))
            out.extend(text)
            if fenced:
                out.say(ticks)
            if number + 1 < len(blocks):
                out.say("")
        if with_words and rng.random() < self.manner.closer:
            out.say("")
            out.say(self.talk.line(sentences.CLOSERS, titles[-1]))
        return out

    def _in(self, view: View, start: int, end: int) -> list[int]:
        return [
            k
            for k, h in enumerate(view.hunks)
            if start <= h.old_start and (h.old_start < end or end == len(self.old))
        ]

    def _heading(
        self, view: View, start: int, end: int, number: int, several: bool, title: str | None,
        showing: Showing, worded: set[int],
    ) -> str:  # fmt: skip
        for k in self._in(view, start, end):
            if k in worded:
                pool, other = showing.said[k]
                return self.talk.line(pool or (), title, number=number + 1, other=other)
        if not several:
            return ""
        pool = sentences.FIRST if number == 0 else sentences.BETWEEN
        return self.talk.line(pool, title, number=number + 1)


def _fence_tag(language: str, path: str, rng: random.Random) -> str:
    suffix = path.rpartition(".")[2] if "." in path else ""
    tags = [language, language, suffix, suffix]
    if rng.random() < 0.1:
        return ""
    if rng.random() < 0.02:
        return f"{language}:{path}"
    return rng.choice([tag for tag in tags if tag] or [""])
