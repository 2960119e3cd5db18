"""Held to known lines: the model chooses among lines that exist, and cannot invent.

At the start of a line the allowed ids are the first ids of the window's lines and of the edit's lines (as
written and re-indented as the edit's unchanged lines are), the gap while gaps remain, and the end once none
does. Inside a line they are the continuations of the known lines with the same beginning. Since a line's
ids end with its line end and hold no other, no known line is the beginning of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..text.indentation import reindent, shifts
from ..text.window import GAP, Item
from .deferred import Deferred
from .prompt import PromptCodec

MAX_SHIFTS = 4


Ids = tuple[int, ...]


class Node:
    """A state inside a line: `depth` ids of it are written, and `lines` (ids, ascending) begin with them.

    What follows is worked out when it is asked for: most merges stay on a few of the lines, and most ids of a
    line are no choice.
    """

    __slots__ = ("_allowed", "_children", "depth", "lines")

    def __init__(self, lines: Sequence[Ids], depth: int) -> None:
        self.lines, self.depth = lines, depth
        self._children: dict[int, Node] | None = None
        self._allowed: Ids | None = None

    @property
    def children(self) -> dict[int, Node]:
        """The states after each id that may follow, by ascending id; empty at the end of a line."""
        if self._children is None:
            depth = self.depth
            groups: dict[int, list[Ids]] = {}
            for line in self.lines:
                if len(line) > depth:
                    groups.setdefault(line[depth], []).append(line)
            self._children = {id_: Node(lines, depth + 1) for id_, lines in groups.items()}
        return self._children

    @property
    def allowed(self) -> Ids:
        """The ids that may follow, ascending."""
        if self._allowed is None:
            self._allowed = tuple(self.children)
        return self._allowed


class KnownLines:
    """A trie over the ids of the lines that a merged window may hold."""

    def __init__(self, codec: PromptCodec, lines: Sequence[str]) -> None:
        self.codec = codec
        codec.learn(lines)
        self._make(set(map(codec.encode_line, lines)))

    def __getstate__(self) -> tuple[PromptCodec, set[Ids]]:
        return self.codec, self._ids

    def __setstate__(self, state: tuple[PromptCodec, set[Ids]]) -> None:
        self.codec, ids = state
        self._make(ids)

    def _make(self, ids: set[Ids]) -> None:
        self._ids = ids
        self.root = Node(sorted(self._ids), 0)
        self._branches: dict[Ids, list[tuple[int, Ids]]] = {}
        #: every id that a choice inside a line, or at the start of one, can fall on
        self.branching: set[int] = set(self.root.allowed)
        shared = [self.root]
        while shared:
            node = shared.pop()
            if len(node.children) > 1:
                self.branching.update(node.allowed)
            shared.extend(child for child in node.children.values() if len(child.lines) > 1)

    def branches(self, line: Ids) -> list[tuple[int, Ids]] | None:
        """The places inside a known line at which another goes on differently: how many ids of the line stand
        before it, and the ids that may follow. None for a line that is not known.
        """
        if line not in self._ids:
            return None
        found = self._branches.get(line)
        if found is None:
            found = self._branches[line] = []
            node = self.root.children[line[0]]
            while len(node.lines) > 1:
                if len(node.allowed) > 1:
                    found.append((node.depth, node.allowed))
                node = node.children[line[node.depth]]
        return found

    def node(self, begun: Ids) -> Node:
        """The state after the first ids of a known line."""
        node = self.root
        for id_ in begun:
            node = node.children[id_]
        return node


class State(NamedTuple):
    """Where a merged window stands: inside a line (`node`) or, at the root, between lines; gaps owed."""

    node: Node
    gaps: int


class Constraint(Deferred):
    """The allowed continuations of a merged window over known lines.

    The gaps of `window` are owed once each. Nothing may stand before a gap that opens the window, nor after
    one that closes it.
    """

    def __init__(self, known: KnownLines, window: Sequence[Item]) -> None:
        self.known = known
        self._shape = tuple(item if item is GAP else "" for item in window)
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

    @staticmethod
    def of(
        codec: PromptCodec,
        window: Sequence[Item],
        shown: Sequence[str],
        proposal: Sequence[Item],
        references: Sequence[str] = (),
    ) -> Constraint:
        """Over the lines that `known_lines` gives."""
        return Constraint(KnownLines(codec, known_lines(window, shown, proposal, references)), window)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled without its states, which are told apart by identity and made again."""
        return Constraint, (self.known, self._shape)

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
