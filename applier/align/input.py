"""An edit and the window that it is laid over, as every step of an alignment needs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..parse.markers import MarkerKind, find_markers, without_trailing_marker
from ..text.definitions import header_name
from ..text.indentation import indent_of
from ..text.window import GAP, Item

FAR = 20  # lines of text: as many as stand behind a gap, for all that is known


@dataclass(frozen=True)
class Scene:
    """`elides` says which lines of the edit are markers, `silent` which stand for nothing at all (comments on
    a deletion). `remarked` are rows of the edit from whose end a marker was taken, with the white space
    before it.
    """

    items: Sequence[Item]
    edit: Sequence[str]
    elides: Sequence[bool]
    silent: Sequence[bool]
    remarked: frozenset[int] = frozenset()

    @staticmethod
    def of(
        items: Sequence[Item],
        edit_lines: Sequence[str],
        language: str | None = None,
        markers: Mapping[int, MarkerKind] | None = None,
    ) -> Scene:
        """The scene of a lazy edit; its markers are found here when None."""
        if markers is None:
            markers = find_markers(edit_lines, language)
        numbers = range(len(edit_lines))
        elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in numbers]
        edit = [without_trailing_marker(line, language) for line in edit_lines]
        return Scene(
            items=items,
            edit=edit,
            elides=elides,
            silent=[i in markers and not elides[i] for i in numbers],
            remarked=frozenset(i for i in numbers if len(edit[i]) < len(edit_lines[i])),
        )

    @cached_property
    def shown(self) -> list[Item]:
        """The edit's lines, with GAP for a marker or a comment on a deletion."""
        hidden = zip(self.elides, self.silent, self.edit, strict=True)
        return [GAP if elided or silent else line for elided, silent, line in hidden]

    @cached_property
    def item_texts(self) -> list[str]:
        """The window's lines without white space around them; "" for a gap."""
        return ["" if item is GAP else item.strip() for item in self.items]

    @cached_property
    def edit_texts(self) -> list[str]:
        """The edit's lines without white space around them."""
        return [line.strip() for line in self.edit]

    @cached_property
    def blank(self) -> list[bool]:
        """Which lines of the edit are."""
        return [not text for text in self.edit_texts]

    @cached_property
    def indents(self) -> list[int]:
        """Those of the edit's lines."""
        return list(map(indent_of, self.edit))

    @cached_property
    def counts(self) -> Counter[str]:
        """How often the window has each text."""
        return Counter(
            text for item, text in zip(self.items, self.item_texts, strict=True) if item is not GAP
        )

    @cached_property
    def shown_counts(self) -> Counter[str]:
        """How often the edit shows each text."""
        return Counter(line.strip() for line in self.shown if line is not GAP)

    @cached_property
    def shown_names(self) -> set[str]:
        """The names that the edit defines."""
        return {name for line in self.shown if line is not GAP and (name := header_name(line))}

    @cached_property
    def edge_blanks(self) -> set[int]:
        """Blank lines of the edit beside a marker: they say nothing of the file's."""
        found: set[int] = set()
        rows = range(len(self.edit))
        for way in (1, -1):
            beside = False
            for row in rows[::way]:
                beside = self.elides[row] or (beside and self.blank[row])
                if beside and not self.elides[row]:
                    found.add(row)
        return found

    @cached_property
    def blanks_beside_markers(self) -> list[tuple[int, int, range]]:
        """(outer line of a chunk, the way to a marker or an end of the edit, the blank lines on it)."""
        blank, found = self.blank, []
        for row in self.outer_rows():
            for way in (-1, 1):
                at = row + way
                while 0 <= at < len(blank) and blank[at]:
                    at += way
                beyond = not 0 <= at < len(blank) or self.elides[at]
                if beyond and abs(at - row) > 1:
                    found.append((row, way, range(min(at, row) + 1, max(at, row))))
        return found

    @cached_property
    def sizes(self) -> list[int]:
        """What each item of the window counts for: 1 a line of text, 0 a blank one, FAR a gap."""
        return [
            FAR if item is GAP else bool(text) for item, text in zip(self.items, self.item_texts, strict=True)
        ]

    def says(self, row: int) -> bool:
        """Whether a line of the edit shows code: it is neither blank nor a marker."""
        return bool(self.edit_texts[row]) and not self.elides[row]

    def outer_rows(self) -> list[int]:
        """The first and the last line of every chunk, blank lines aside."""
        return self._outer_rows

    @cached_property
    def _outer_rows(self) -> list[int]:
        rows: list[int] = []
        chunk: list[int] = []
        for row, line in enumerate([*self.edit, ""]):
            if row == len(self.edit) or self.elides[row]:
                rows += sorted({chunk[0], chunk[-1]}) if chunk else []
                chunk = []
            elif line.strip():
                chunk.append(row)
        return rows
