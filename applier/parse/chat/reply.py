"""The code of a chat reply: fenced blocks among sentences.

    The check needs its import:

    ```python
    ...
    ```

    and in `run`:

    ```python
    ...
    ```

    The rest stays the same.

Nothing is taken out of a text whose lines outside of the blocks read as code, or whose fences the file has;
code that holds fences, in a string or a comment, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...syntax.languages import canonical
from ...text.file_lines import FileLines
from ..edits import EditParseError, Role, check_same_file, same_file
from .fences import FENCED_LANGUAGES, WRAPPER_INFO, Fenced, fence_info, fenced_blocks
from .layout import Layout
from .prose import is_code, is_file_name, is_prose, named_file
from .wrappers import path_comment, wraps_file

_TELLING = 6  # letters and digits of a line that tells its file
_FAMILIES = (
    frozenset({"javascript", "typescript", "tsx", "vue", "svelte"}),
    frozenset({"c", "cpp", "objc", "csharp"}),
    frozenset({"java", "kotlin", "groovy", "scala"}),
    frozenset({"json", "jsonc"}),
    frozenset({"css", "scss", "sass"}),
    frozenset({"html", "xml", "vue", "svelte", "php", "jinja", "erb", "handlebars"}),
    frozenset({"ini", "toml", "dotenv"}),
)
_SHOWS = re.compile(
    r"^\W*(?:usage|examples?|(?:sample |expected |new )?output|results?|before)\b", re.IGNORECASE
)
_BEFORE = re.compile(
    r"^\W*(?:before|old|original|currently|current|from|instead of|replace)\b", re.IGNORECASE
)
_AFTER = re.compile(r"^\W*(?:after|new|updated|now|to|with|use)\b", re.IGNORECASE)
_OPEN_END = re.compile(r"[([{,:=+\\&|<]$|\b(?:def|class|function|return|and|or|not|in|if|else|for|while)$")
_COMMENT = re.compile(r"^\s*(?://|#|\*|/\*|--|<!--)")


def blocks_of_reply(layout: Layout, language: str | None, path: str, file: FileLines | None) -> bool:
    """Leaves the code blocks of a reply, if the layout is one; whether it is.

    A block is not for this file where it is said to be another's, or in another language with no line that
    the file has, or a sample of use or output. Of those that are, each keeps its place in `Layout.rows`.

    Raises:
        EditParseError: no block is for this file, the last is cut off, or one opens in another.
    """
    lines = layout.lines
    blocks = fenced_blocks(lines)
    if not blocks:
        return False
    inside = {row for block in blocks for row in range(block.opening, block.close + 1)}
    outside = [row for row, line in enumerate(lines) if row not in inside and line.strip()]
    if file is not None:
        file.seek(lines)
    if language is None or language in FENCED_LANGUAGES:
        if not _wraps_prose(lines, blocks, outside, file):
            return False
    elif (
        any(is_code(lines[row]) for row in outside)
        or _is_content(lines, blocks, outside, file)
        or (not outside and len(blocks) == 1 and blocks[0].opening and not blocks[0].closed)
    ):
        return False
    runs = _choose(layout, blocks, language, path, file)
    for block in runs:
        _check_even(layout, block, language)
    _check_ends(layout, blocks[-1], language, file)
    if not runs:
        raise EditParseError(
            layout.rows[blocks[0].opening] + 1,
            f"No code block of the reply is for this file{f' ({path})' if path else ''}.",
            "Send its changed lines.",
        )
    layout.info = runs[0].word
    fences = [layout.rows[row] for block in runs for row in (block.opening, block.close) if row < len(lines)]
    layout.keep([range(block.opening + 1, block.close) for block in runs])
    for row in fences:
        layout.roles[row] = Role.WRAPPER
    layout.unfenced = True
    return True


def _wraps_prose(
    lines: Sequence[str], blocks: Sequence[Fenced], outside: Sequence[int], file: FileLines | None
) -> bool:
    """Whether the fences of an edit of prose are the reply's and not the file's.

    They are where no line outside of them is the file's, and a line inside is, or a fence says "markdown";
    and where nothing outside is a heading or a placeholder, without which new text could not be placed.
    """
    if file is None or not file:
        return bool(outside) and all(block.word in WRAPPER_INFO - {"text", "txt"} for block in blocks)
    wrapped = any(block.word in WRAPPER_INFO and not file.has(lines[block.opening]) for block in blocks)
    if any(any(map(str.isalnum, lines[row])) and file.has(lines[row]) for row in outside):
        return wrapped and sum(file.has(lines[row]) for row in outside) * 3 < len(outside)
    if not outside and not wrapped:
        return not any(line.lstrip().startswith(("```", "~~~")) for line in file) or all(
            not block.info and _shows_prose(lines, block, file) for block in blocks
        )
    if wrapped or any(
        file.has(lines[row]) for block in blocks for row in range(block.opening + 1, block.close)
    ):
        return True
    return not any(lines[row].startswith(("#", "<!--", "...")) for row in outside)


def _shows_prose(lines: Sequence[str], block: Fenced, file: FileLines) -> bool:
    """Whether the lines of a block are those that the file has in no block."""
    inside = {row for found in fenced_blocks(file) for row in range(found.opening, found.close)}
    places = [place for row in range(block.opening + 1, block.close) for place in file.rows(lines[row])]
    if places:
        return not any(place in inside for place in places)
    return all(is_prose(lines[row]) for row in range(block.opening + 1, block.close))


def _is_content(
    lines: Sequence[str], blocks: Sequence[Fenced], outside: Sequence[int], file: FileLines | None
) -> bool:
    """Whether the file itself has the fences and what stands around them."""
    if file is None:
        return False
    return any(
        _tells(lines[row]) and file.has(lines[row]) and not is_prose(lines[row]) for row in outside
    ) or (
        all(file.has(lines[block.opening]) for block in blocks)
        and any(_tells(lines[row]) and file.has(lines[row]) for row in outside)
    )


def _tells(line: str) -> bool:
    return sum(map(str.isalnum, line)) >= _TELLING


def _choose(
    layout: Layout, blocks: Sequence[Fenced], language: str | None, path: str, file: FileLines | None
) -> list[Fenced]:
    """The blocks that are for this file; where none seems to be, those that are no commands and not said to
    be another's. Raises `EditParseError` where the only one is another file's.
    """
    lines = layout.lines
    named = [block.word for block in blocks if canonical(block.word) is not None]
    ours: list[tuple[Fenced, int | None]] = []
    doubtful: list[tuple[Fenced, int | None]] = []
    for index, block in enumerate(blocks):
        above = _above(lines, block.opening, blocks[index - 1].close if index else -1)
        name, row = _label(lines, block, above)
        if name and path and not same_file(name, path) and not _is_known(lines, block, file):
            if len(blocks) == 1:
                check_same_file(name, path, layout.rows[row] + 1)
            continue
        if _is_talk(lines, block, above, language, file, bool(named)) and not (
            (name and path) or wraps_file(lines, block.opening + 1, block.close, path)
        ):
            if canonical(block.word) != "bash":
                doubtful.append((block, above))
            continue
        ours.append((block, above))
    ours = ours or doubtful
    return [
        block
        for index, (block, above) in enumerate(ours)
        if index + 1 == len(ours) or not _is_old(lines, block, above, ours[index + 1][1], file)
    ]


def _is_known(lines: Sequence[str], block: Fenced, file: FileLines | None) -> bool:
    """Whether most lines of a block are the file's."""
    body = [line for line in lines[block.opening + 1 : block.close] if line.strip()]
    return file is not None and 2 * sum(map(file.has, body)) > len(body)


def _is_old(
    lines: Sequence[str], block: Fenced, above: int | None, below: int | None, file: FileLines | None
) -> bool:
    """Whether a block shows the file as it is, "before", and the next one as it becomes."""
    if above is None or below is None or file is None:
        return False
    before, after = lines[above][:80], lines[below][:80]
    return bool(_BEFORE.match(before) and _AFTER.match(after)) and all(
        not line.strip() or file.has(line) for line in lines[block.opening + 1 : block.close]
    )


def _above(lines: Sequence[str], row: int, low: int) -> int | None:
    """The last line above a block that is not blank, below the block before."""
    return next((at for at in range(row - 1, low, -1) if lines[at].strip()), None)


def _label(lines: Sequence[str], block: Fenced, above: int | None) -> tuple[str, int]:
    """The file that a block is said to be for, and the line that says so: its info string, the line above
    it, or a comment in its first line.
    """
    for word in re.split(r"[\s:]+", block.info)[1:] if len(block.info) < 400 else ():
        word = re.sub(r"^(?:title|file(?:name)?|path)=", "", word).strip("\"'{}")
        if "." in word and is_file_name(word) and re.fullmatch(r"[\w@.+~/\\()\[\]-]+\.\w+", word):
            return word, block.opening
    if above is not None and (name := named_file(lines[above])) and is_file_name(name):
        return name, above
    first = next((at for at in range(block.opening + 1, block.close) if lines[at].strip()), None)
    if first is not None and (name := path_comment(lines[first])) and is_file_name(name):
        return name, first
    return "", block.opening


def _is_talk(
    lines: Sequence[str],
    block: Fenced,
    above: int | None,
    language: str | None,
    file: FileLines | None,
    named: bool,
) -> bool:
    """Whether a block shows a command, an output, or code of another language than the file's.

    `named`: some block says its language.
    """
    if language is None or language in FENCED_LANGUAGES:
        return False
    other = canonical(block.word)
    body = [line for line in lines[block.opening + 1 : block.close] if line.strip()]
    if file is not None and any(_tells(line) and file.has(line) for line in body):
        return False
    if other is not None:
        related = other == language or any(other in family and language in family for family in _FAMILIES)
        if not related and other != "text":
            return True
    shows = above is not None and len(lines[above]) < 200 and _SHOWS.match(lines[above])
    if other == language and file is not None and not shows:
        return False
    return bool(shows) or (named and not block.info) or other == "text"


def _check_even(layout: Layout, block: Fenced, language: str | None) -> None:
    """Raises `EditParseError` where another block begins before one is closed."""
    words = [info for row in range(block.opening + 1, block.close) if (info := fence_info(layout.lines[row]))]
    bare = sum(fence_info(layout.lines[row]) == "" for row in range(block.opening + 1, block.close))
    if len(words) > bare and language not in FENCED_LANGUAGES:
        raise EditParseError(
            layout.rows[block.opening] + 1,
            "Another code block begins before this one is closed.",
            "Close each with a fence of its own.",
        )


def _check_ends(layout: Layout, last: Fenced, language: str | None, file: FileLines | None) -> None:
    """Raises `EditParseError` where the last block has no end, and its code stops in the middle."""
    if last.closed:
        return
    rows = range(last.opening + 1, last.close)
    row = layout.rows[last.opening] + 1
    if any(fence_info(layout.lines[at]) is not None for at in rows) and language not in FENCED_LANGUAGES:
        raise EditParseError(
            row, "This code block is not closed, and another opens in it.", "Send it again, whole."
        )
    filled = [line for at in rows if (line := layout.lines[at]).strip()]
    if not filled or _is_cut(filled, language, file):
        raise EditParseError(
            row, "This code block is not closed: the edit may be cut off.", "Send it again, whole."
        )


def _is_cut(lines: Sequence[str], language: str | None, file: FileLines | None) -> bool:
    end = lines[-1].rstrip()
    if file is not None and file.has(end):
        return False
    if language in FENCED_LANGUAGES or _COMMENT.match(end):
        return False
    if _OPEN_END.search(end):
        return True
    return any(
        sum(line.count(opening) for line in lines) > sum(line.count(closing) for line in lines)
        for opening, closing in ("()", "[]", "{}")
    )
