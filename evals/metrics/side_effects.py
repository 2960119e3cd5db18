"""What an answer did besides the edit: placeholders left in the file, and changes far from the edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def _lines(content: bytes) -> list[str]:
    # Latin-1 maps every byte, so that no encoding can hide a change.
    return content.decode("latin-1").split("\n")


def leaked_placeholders(
    original: bytes, expected: bytes, result: bytes, language: str | None, known: Sequence[str] = ()
) -> int:
    """Elision markers in `result` beyond those of the original and beyond those of the expected file.

    `known` are the edit's own placeholders where they are known, without indentation: they are counted
    whether or not the applier takes them for markers.
    """
    if result in (original, expected):
        return 0
    from applier.parse.markers import leaks
    from applier.text.source_text import SourceText

    before, wanted, after = (SourceText.decode(content).lines for content in (original, expected, result))
    found = {line: after[line].strip() for line in leaks(before, after, language)}
    found = {line: found[line] for line in leaks(wanted, after, language) if line in found}
    texts = Counter(line.strip() for line in before)
    own = sum(
        max(0, count - texts[text])
        for text, count in Counter(line.strip() for line in after).items()
        if text in known and text not in found.values()
    )
    return len(found) + own


def changed_elsewhere(original: bytes, expected: bytes, result: bytes) -> int:
    """Changes from `original` to `result` that are more than a diff's context from every line that the
    true edit changes.

    Judged from the true commit and not from the window that the applier says it worked in, so that a change
    put in the wrong place counts too.
    """
    if result in (original, expected):
        return 0
    from applier.text.hunks import hunks_elsewhere

    return hunks_elsewhere(_lines(original), _lines(expected), _lines(result))
