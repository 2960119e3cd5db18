"""Held to known lines: the model chooses among lines that exist, and cannot invent.

At the start of a line the allowed ids are the first ids of the window's lines and of the edit's lines (as
written and re-indented as the edit's unchanged lines are), the gap while gaps remain, and the end once none
does. Inside a line they are the continuations of the known lines with the same beginning. Since a line's
ids end with its line end and hold no other, no known line is the beginning of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .indentation import reindent, shifts
from .prompt import PromptCodec
from .window import GAP, Item

MAX_SHIFTS = 4


@dataclass(slots=True)
class Node:
    """A state inside a line; `allowed` holds the ids that may follow, ascending."""

    children: dict[int, Node] = field(default_factory=dict)
    allowed: tuple[int, ...] = ()


class KnownLines:
    """A trie over the ids of the lines that a merged window may hold."""

    def __init__(self, codec: PromptCodec, lines: Iterable[str]) -> None:
        self.codec = codec
        self.root = Node()
        #: by the ids of a line the nodes inside it, after its first id, its second, …
        self.paths: dict[tuple[int, ...], list[Node]] = {}
        for line in dict.fromkeys(lines):
            self._add(codec.encode_line(line))
        self.branching: set[int] = set()
        self._seal(self.root)

    def _add(self, ids: tuple[int, ...]) -> None:
        node = self.root
        path = self.paths[ids] = []
        for id_ in ids:
            child = node.children.get(id_)
            if child is None:
                child = node.children[id_] = Node()
            node = child
            path.append(node)
        path.pop()

    def _seal(self, root: Node) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            node.allowed = tuple(sorted(node.children))
            if len(node.allowed) > 1 or node is self.root:
                self.branching.update(node.allowed)
            stack.extend(node.children.values())


class State(NamedTuple):
    """Where a merged window stands: inside a line (`node`) or, at the root, between lines; gaps owed."""

    node: Node
    gaps: int


class Constraint:
    """The allowed continuations of a merged window over known lines.

    The gaps of `window` are owed once each. Nothing may stand before a gap that opens the window, nor after
    one that closes it.
    """

    def __init__(self, known: KnownLines, window: Sequence[Item]) -> None:
        self.known = known
        gaps = sum(item is GAP for item in window)
        self.start = State(known.root, gaps)
        self._opening = gaps if window and window[0] is GAP else -1  # gaps owed while only a gap may follow
        self._closed = bool(window) and window[-1] is GAP
        codec = known.codec
        self._gap, self._end = codec.gap_id, codec.end_id
        lines = known.root.allowed
        self._with_gap = tuple(sorted((*lines, self._gap)))
        self._with_end = tuple(sorted((*lines, self._end)))
        self._sets = {ids: frozenset(ids) for ids in (self._with_gap, self._with_end)}
        #: every id that a choice can fall on, ascending: the rows of the output head that are needed
        self.choices = tuple(sorted(known.branching | {self._gap, self._end}))

    def allowed(self, state: State) -> tuple[int, ...]:
        """The ids that may follow, ascending; never empty."""
        if state.node is not self.known.root:
            return state.node.allowed
        if state.gaps == self._opening:
            return (self._gap,)
        if state.gaps:
            return self._with_gap
        return (self._end,) if self._closed else self._with_end

    def follow(self, state: State, id_: int) -> State | None:
        """The state after `id_`; None when it is not allowed. The end leads back to the start of a line."""
        root = self.known.root
        if state.node is root:
            allowed = self.allowed(state)
            if id_ not in self._sets.get(allowed, allowed):
                return None
            if id_ == self._end:
                return state
            if id_ == self._gap:
                return State(root, state.gaps - 1)
        child = state.node.children.get(id_)
        if child is None:
            return None
        return State(child if child.children else root, state.gaps)


def known_lines(
    window: Sequence[Item], shown: Sequence[str], proposal: Sequence[Item], references: Sequence[str] = ()
) -> list[str]:
    """The lines that a merged window may hold: the window's, those that the edit shows, as written and in the
    indentations that its unchanged lines have in the window, and those of the baseline's proposal.

    `references` are further lines of the edit that tell indentations, such as a search text.
    """
    out = [item for item in window if item is not GAP]
    out += shown
    for shift in shifts(window, [*references, *shown])[:MAX_SHIFTS]:
        out.extend(reindent(line, shift) for line in shown)
    out.extend(item for item in proposal if item is not GAP)
    return list(dict.fromkeys(out))
