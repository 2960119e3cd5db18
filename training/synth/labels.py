"""What each line of an edit is, and how the result follows from that and the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Label(IntEnum):
    """What a line of an edit is."""

    TALK = 0  # a sentence, a heading, a fence: nothing of it is code of the file
    MARKER = 1  # stands for lines that are not shown, or says that some are gone
    CONTEXT = 2  # a line of the original that stays, perhaps misremembered; source: its original line
    NEW = 3  # a line that the edit writes; source: its line in the result
    REMOVED = 4  # shown with a minus sign; source: its original line


@dataclass(slots=True)
class EditLabels:
    """labels[k] and sources[k] for line k of the edit; sources are 0-based, -1 where there is none.

    A line that joins several has the first of them as its source; lines that one was wrapped into share it.
    `removed` are the original lines that go, ascending; all others stay. `unshown` are lines of the result
    that are neither kept nor in the edit, as a comma that a neighbour needs.
    """

    labels: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    unshown: list[int] = field(default_factory=list)

    def add(self, label: Label, source: int = -1) -> None:
        """Appends one line."""
        self.labels.append(int(label))
        self.sources.append(source)


def reapply(original: Sequence[str], result: Sequence[str], labels: EditLabels) -> list[str] | None:
    """The file that the labels describe: kept lines in order, with the new ones at their places in between.

    `result` gives the new lines' text only, as an edit may have another indentation. None when the places
    collide or lines of the result are missing.
    """
    new = {j for label, j in zip(labels.labels, labels.sources, strict=True) if label == Label.NEW}
    removed = set(labels.removed)
    kept = iter([line for i, line in enumerate(original) if i not in removed])
    out: list[str] = []
    for j in range(len(original) - len(removed) + len(new)):
        if j in new:
            if j >= len(result):
                return None
            out.append(result[j])
            continue
        line = next(kept, None)
        if line is None:
            return None
        out.append(line)
    return out if next(kept, None) is None else None
