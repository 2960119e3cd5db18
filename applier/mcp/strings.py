"""Replacements of one text by another, made an edit that the library takes.

A text that stands in the file is replaced as it stands there, in the middle of a line too: what comes of it
is known, so the edit is the diff to it, by lines. A text that does not stand there becomes a search/replace
block, which the library places where that is clear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from applier.text.unified_diff import unified_diff
from applier.types import EditFormat, LineRange, Refusal, RefusalReason

_MOST_LINES = 20
_SIGNS = re.compile(r"^([<=>]{5,9})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StringEdit:
    """Put `new` in the place of `old`."""

    old: str
    new: str
    replace_all: bool = False


def edit_of_strings(original: bytes, edits: Sequence[StringEdit]) -> tuple[bytes, EditFormat] | Refusal:
    """The edit and its format. The replacements are made one after the other, in what those before left."""
    for number, edit in enumerate(edits, 1):
        which = f"old_string of edit {number}" if len(edits) > 1 else "old_string"
        if not edit.old:
            return Refusal(RefusalReason.EMPTY_EDIT, f"{which} is empty, and the file is not.")
        if edit.old == edit.new:
            return Refusal(RefusalReason.EMPTY_EDIT, f"{which} and new_string are the same.")
    try:
        text = original.decode("utf-8")
    except UnicodeDecodeError:
        return _blocks(edits)
    changed = text
    for number, edit in enumerate(edits, 1):
        old, new = _with_line_ends_of(changed, edit)
        found = changed.count(old)
        if found == 0:
            return _blocks(edits)
        if found > 1 and not edit.replace_all:
            return _several(changed, old, f"old_string of edit {number}" if len(edits) > 1 else "old_string")
        changed = changed.replace(old, new)
    hunks = unified_diff(original, changed.encode("utf-8"), "").split(b"\n", 2)
    if len(hunks) < 3:
        return Refusal(RefusalReason.EMPTY_EDIT, "The replacements leave the file as it is.")
    return hunks[2], EditFormat.UNIFIED_DIFF


def _with_line_ends_of(text: str, edit: StringEdit) -> tuple[str, str]:
    """Old and new text with CRLF where all of the file has it, and the edit, as most do, has LF."""
    if "\r" in edit.old + edit.new or "\r\n" not in text or text.count("\n") != text.count("\r\n"):
        return edit.old, edit.new
    return edit.old.replace("\n", "\r\n"), edit.new.replace("\n", "\r\n")


def _several(text: str, old: str, which: str) -> Refusal:
    places = []
    at = text.find(old)
    while at >= 0:
        first = text.count("\n", 0, at) + 1
        last = first + old.removesuffix("\n").count("\n")
        places.append(LineRange(first, last))
        at = text.find(old, at + len(old))
    message = (
        f"{which} stands {len(places)} times in the file. Give more of the lines around the one you mean, or "
        "set replace_all."
    )
    return Refusal(RefusalReason.AMBIGUOUS_MATCH, message, tuple(places[:_MOST_LINES]))


def _blocks(edits: Sequence[StringEdit]) -> tuple[bytes, EditFormat] | Refusal:
    """Search/replace blocks, with signs of a length that no line of the texts begins with."""
    if any(edit.replace_all for edit in edits):
        return Refusal(
            RefusalReason.NO_MATCH, "old_string does not stand in the file as it is, which replace_all needs."
        )
    used = {len(sign) for edit in edits for text in (edit.old, edit.new) for sign in _SIGNS.findall(text)}
    size = next((size for size in (7, 6, 8, 9, 5) if size not in used), 7)
    blocks = [
        f"{'<' * size} SEARCH\n{_line(edit.old)}{'=' * size}\n{_line(edit.new)}{'>' * size} REPLACE\n"
        for edit in edits
    ]
    return "".join(blocks).encode("utf-8"), EditFormat.SEARCH_REPLACE


def _line(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"
