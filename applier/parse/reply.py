"""The code in a chat reply: one fenced block among sentences.

    I've fixed the check:

    ```python
    ...
    ```

    The rest stays the same.

Nothing is taken out of a text unless all of it outside the block reads as prose; code that holds fences, in
a string or a comment, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ..syntax.languages import canonical, language_for_path
from .edits import EditParseError, check_same_file
from .fences import FENCE, FENCED_LANGUAGES, Unfenced

_SIGNS_OF_CODE = re.compile(
    r"[{};\\]\s*$|\"\"\"|'''|^\s*(?://|/\*|--|@\w|<[/!?\w]|\$ )|^ {4}|^\t"
    r"|\w\s*[-+*/|&]?=(?!=)\s|[^`]\(\)\s*:?$"
)
_KEYWORDS = re.compile(
    r"^(?:import|from|def|class|func|fn|let|const|var|val|type|package|module|require|include|use|using|return"
    r"|public|private|protected|static|export|interface|struct|enum|impl|if|elif|for|while|try|with)\b"
)
_NAMED_FILE = re.compile(
    r"^(?:file(?:name)?:\s*)?[#*`\s]*(?P<name>[\w@.+~/\\-]+\.\w+)[*`:\s]*$", re.IGNORECASE
)
_ITEM = re.compile(r"^\s{0,3}(?:[-*+•]|\d{1,2}[.)])\s+(?=\S)")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")


def is_prose(line: str) -> bool:
    """Whether a line is a sentence, a heading, an item of a list or the name of a file, and not code."""
    text = line.rstrip()
    if not text.strip() or _NAMED_FILE.match(text):
        return True
    item = _ITEM.match(text) or re.match(r"^#{1,6}\s+|^>\s+|^\*\*", text)
    body = text[item.end() :] if item else text
    quoted = re.sub(r"`[^`]+`", "name", body)
    if _SIGNS_OF_CODE.search(quoted):
        return False
    words = _WORD.findall(quoted)
    letters = sum(map(len, words))
    if not words or 2 * letters < len(re.sub(r"\s", "", quoted)):
        return False
    if item:
        return True
    if _KEYWORDS.match(quoted):
        return False
    ended = quoted.rstrip("*_) ").endswith((".", ":", "!", "?"))
    return (len(words) >= 2 or quoted[0].isupper()) and (ended or len(words) >= 4)


def block_of_reply(lines: Sequence[str], language: str | None, path: str = "") -> Unfenced | None:
    """The fenced block of a reply that is otherwise prose; None if the text is not such a reply.

    Of several blocks one is taken if it alone says that it is in the file's language. A language with fences
    of its own, or none that is known, has no replies: there prose is content.

    Raises:
        EditParseError: there are several blocks, the block is not closed, or it is said to be for another
            file.
    """
    if language is None or language in FENCED_LANGUAGES:
        return None
    rows = [row for row, line in enumerate(lines) if FENCE.match(line.rstrip())]
    if not rows or not any(line.strip() for line in (*lines[: rows[0]], *lines[rows[-1] + 1 :])):
        return None
    if not all(is_prose(line) for line in lines[: rows[0]]):
        return None
    blocks = _blocks(lines, rows)
    if blocks is None:
        _check_closed(lines, rows)
        return None
    outside = [*lines[blocks[-1][1] + 1 :]]
    for (_, end), (start, _) in pairwise(blocks):
        outside += lines[end + 1 : start]
    if not all(is_prose(line) for line in outside):
        return None
    start, end = _only(lines, blocks, language)
    _check_label(lines, start, path)
    return Unfenced(list(lines[start + 1 : end]), start + 2, True, _info(lines[start]))


def _info(line: str) -> str:
    match = FENCE.match(line.rstrip())
    return match["info"].strip().split(" ")[0].lower() if match else ""


def _blocks(lines: Sequence[str], rows: Sequence[int]) -> list[tuple[int, int]] | None:
    """(opening, close) of every block, one after the other; None where the last is open, or one opens in
    another.
    """
    blocks: list[tuple[int, int]] = []
    opened: int | None = None
    for row in rows:
        if opened is None:
            opened = row
            continue
        ticks, ours = (FENCE.match(lines[at].rstrip()) for at in (opened, row))
        assert ticks is not None
        assert ours is not None
        if ours["ticks"][0] != ticks["ticks"][0] or len(ours["ticks"]) < len(ticks["ticks"]):
            continue
        if ours["info"].strip():
            return None
        blocks.append((opened, row))
        opened = None
    return blocks if opened is None else None


def _check_closed(lines: Sequence[str], rows: Sequence[int]) -> None:
    """Raises `EditParseError` where the only fence is an opening one below prose."""
    if len(rows) == 1 and any(line.strip() for line in lines[: rows[0]]):
        raise EditParseError(
            rows[0] + 1, "This code block is not closed: the edit may be cut off.", "Send it again, whole."
        )


def _check_label(lines: Sequence[str], start: int, path: str) -> None:
    """Raises `EditParseError` where the last line above the block names another file than `path`."""
    row = start - 1
    while row >= 0 and not lines[row].strip():
        row -= 1
    named = _NAMED_FILE.match(lines[row].strip()) if row >= 0 else None
    if named and ("/" in named["name"] or language_for_path(named["name"])):
        check_same_file(named["name"], path, row + 1)


def _only(lines: Sequence[str], blocks: Sequence[tuple[int, int]], language: str) -> tuple[int, int]:
    """The one block of the file's language."""
    if len(blocks) == 1:
        return blocks[0]
    ours = [block for block in blocks if canonical(_info(lines[block[0]])) == language]
    if len(ours) == 1 and all(_info(lines[start]) for start, _ in blocks):
        return ours[0]
    raise EditParseError(
        blocks[1][0] + 1,
        f"This is the second of {len(blocks)} code blocks.",
        "Send one, with a placeholder comment for the code between the changes.",
    )
