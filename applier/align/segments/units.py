"""Names before likeness: which lines of a window a line of the edit may be, told by what defines them.

A unit is a definition with the comments and decorators above it. Lines of a unit belong to the definition
of the same name; where the window has none, they are new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...text.definitions import header_name
from ...text.indentation import indent_of
from ..input import Scene
from ..similarity import Likeness

_BESIDE = re.compile(r"@|#|//|/\*|\*|\[[A-Z]|--|<!--|template\s*<")
_CLOSERS = ("}", ")", "]", "end")


class Units:
    """The definitions among some texts, by indentation. `texts` are stripped lines, "" for none."""

    def __init__(self, texts: Sequence[str], indents: Sequence[int]) -> None:
        self.texts, self.indents = texts, indents

    def heads(self) -> list[tuple[int, str]]:
        """(row, name) of every line that defines a name."""
        return [(row, name) for row, text in enumerate(self.texts) if text and (name := header_name(text))]

    def end(self, head: int) -> int:
        """The row after the unit that a row heads; its closing line is part of it."""
        depth, last = self.indents[head], head
        for row in range(head + 1, len(self.texts)):
            text = self.texts[row]
            if not text:
                continue
            if self.indents[row] < depth or (
                self.indents[row] == depth and not text.startswith(("{", *_CLOSERS))
            ):
                break
            last = row
            if self.indents[row] == depth and text.startswith(("}", "end")):
                break
        return last + 1

    def start(self, head: int) -> int:
        """The first row of comments and decorators above a head."""
        row = head
        while row and self.texts[row - 1] and _BESIDE.match(self.texts[row - 1]):
            row -= 1
        return row


def by_name(scene: Scene, likeness: Likeness) -> Likeness | None:
    """The likeness with lines of a unit held to the units of the same name; None where that changes
    nothing.
    """
    shown = ["" if elided else text for elided, text in zip(scene.elides, scene.edit_texts, strict=True)]
    ours = Units(shown, scene.indents)
    theirs = Units(scene.item_texts, [indent_of(item or "") for item in scene.items])
    named: dict[str, list[int]] = {}
    for row, name in theirs.heads():
        named.setdefault(name, []).append(row)
    allowed = np.ones(likeness.same.shape, dtype=np.bool_)
    for head, name in ours.heads():
        columns = np.zeros(len(scene.items), dtype=np.bool_)
        for row in named.get(name, ()):
            columns[theirs.start(row) : theirs.end(row)] = True
        allowed[ours.start(head) : ours.end(head)] &= columns
    if allowed.all():
        return None
    return replace(
        likeness,
        same=likeness.same & allowed,
        same_indent=likeness.same_indent & allowed,
        similar=np.where(allowed, likeness.similar, 0).astype(np.uint8),
        same_head=likeness.same_head & allowed,
    )
