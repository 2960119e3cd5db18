"""Comments that stand for lines of the file in words of the author's own.

A comment of the edit is an elision where all its words speak of one (`elision_words`), the file does not
have it, and the file has lines there that the edit does not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..parse.marker_words import speaks_of_elision
from ..parse.markers import MarkerKind
from ..syntax.languages import get
from ..text.file_lines import FileLines

_FEWEST = 2  # lines of the file, none of them a comment, that such a comment may stand for
_TELLING = 3


def worded_markers(
    edit: Sequence[str], markers: Mapping[int, MarkerKind], file: FileLines, language: str | None
) -> dict[int, MarkerKind]:
    """Markers of the edit besides `markers`."""
    rows = [
        row
        for row, line in enumerate(edit)
        if row not in markers
        and (text := _comment(line, language)) is not None
        and speaks_of_elision(text)
        and not file.has(line)
    ]
    if not rows:
        return {}
    places = _places(edit, file)
    cuts = {*markers, *rows}
    return {row: MarkerKind.ELIDE for row in rows if _hides(edit, row, cuts, places, file, language)}


def _comment(line: str, language: str | None) -> str | None:
    """The text of a line that is a comment and nothing else."""
    entry = get(language)
    text = line.strip()
    if entry is None or language == "markdown":
        openings: tuple[str, ...] = ()
        blocks: tuple[tuple[str, str], ...] = (("<!--", "-->"),) if entry is not None else ()
    else:
        openings, blocks = entry.line_comments, entry.block_comments
    for opening, closing in blocks:
        if text.startswith(opening) and text.endswith(closing):
            return text[len(opening) : -len(closing)]
    for opening in openings:
        if text.startswith(opening):
            return text[len(opening) :]
    return None


def _places(edit: Sequence[str], file: FileLines) -> dict[int, int]:
    """The line of the file for each line of the edit that the file has once."""
    file.seek(edit)
    return {
        row: found[0]
        for row, line in enumerate(edit)
        if sum(map(str.isalnum, line)) >= _TELLING and len(found := file.rows(line)) == 1
    }


def _hides(
    edit: Sequence[str],
    row: int,
    cuts: set[int],
    places: Mapping[int, int],
    file: Sequence[str],
    language: str | None,
) -> bool:
    """Whether the file has enough lines between the known lines around `row` that the edit does not show."""
    above = next((at for at in range(row - 1, -1, -1) if at in cuts or at in places), -1)
    below = next((at for at in range(row + 1, len(edit)) if at in cuts or at in places), len(edit))
    if above in cuts or below in cuts:  # nothing is known on one side; the other marker may stand for all
        return False
    low = places[above] + 1 if above >= 0 else 0
    high = places[below] if below < len(edit) else len(file)
    if above < 0 and below == len(edit):
        return False
    shown = {edit[at].strip() for at in range(above + 1, below)}
    hidden = [
        text
        for line in file[low:high]
        if (text := line.strip()) and text not in shown and _comment(text, language) is None
    ]
    new = sum(bool(edit[at].strip()) for at in range(above + 1, below)) - 1
    return len(hidden) >= max(_FEWEST, new + 1)
