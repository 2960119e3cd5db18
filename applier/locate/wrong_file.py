"""Whether an edit was written for the file at hand: enough of what it shows as unchanged must stand there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rapidfuzz import fuzz, process

from ..text.definitions import definitions, header_name
from ..text.file_lines import FileLines

ALIKE = 75  # % of similarity from which a line may be one of the file's, changed
_WORDS = 6  # letters and digits of a line that says something


def _telling(line: str) -> bool:
    return sum(map(str.isalnum, line)) >= _WORDS


def is_strange(edit: Sequence[str], markers: Collection[int], file: Sequence[str]) -> bool:
    """Whether a snippet with markers at both ends, which thus lies within a file, shows nothing of this one:
    none of its lines, no line similar to one of them, and no definition of the same name.
    """
    filled = [row for row, line in enumerate(edit) if line.strip()]
    if not filled or filled[0] not in markers or filled[-1] not in markers:
        return False
    shown = [text for row in filled if row not in markers and _telling(text := edit[row].strip())]
    lines = FileLines.of(file)
    lines.seek(shown)
    if not shown or any(lines.has(text) for text in shown):
        return False
    names = {name for text in shown if (name := header_name(text))}
    if any(True for name in names for _ in definitions(lines, name)):
        return False
    return not any(_like(text, lines.texts) for text in shown)


def _like(text: str, texts: Sequence[str]) -> bool:
    found = process.extract_iter(text, texts, scorer=fuzz.ratio, score_cutoff=ALIKE)
    return any(_telling(like) for like, _, _ in found)
