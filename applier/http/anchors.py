"""Morph's protocol for large files, undone: its client sends a table of lines and a skeleton that names them.

    ⟪MORPH_DEFINITIONS_BEGIN_0⟫
    ⟪M0:0:line⟫="const a = 1;"
    ⟪MORPH_DEFINITIONS_END_0⟫
    ⟪MORPH_CODE_BEGIN_0⟫
    ⟪M0:0:line⟫

The client takes the whole file for an answer, so that is what it gets: the edit is placed in the file itself.
"""

from __future__ import annotations

import json
import re

from applier.http.prompts import PromptError

_BEGIN = re.compile(r"⟪MORPH_DEFINITIONS_BEGIN_(\d{1,9})⟫\n")
_SUFFIX = "\n\nLARGE-FILE ANCHOR PROTOCOL:"


def is_anchored(code: str, instruction: str) -> bool:
    """Whether the code is a table and a skeleton, and the instruction says so."""
    return _SUFFIX in instruction and _BEGIN.match(code) is not None


def expand(code: str, instruction: str) -> tuple[str, str]:
    """The file, and the instruction without the words about the protocol. Raises PromptError."""
    begin = _BEGIN.match(code)
    assert begin is not None
    number = begin[1]
    end = code.find(f"⟪MORPH_DEFINITIONS_END_{number}⟫\n⟪MORPH_CODE_BEGIN_{number}⟫\n", begin.end())
    if end < 0:
        raise PromptError("The table of anchors is not closed.")
    fragments: dict[str, str] = {}
    for row in code[begin.end() : end].split("\n"):
        marker, _, value = row.partition("=")
        if row:
            fragments[marker] = _string(value, marker)
    skeleton = code[code.index("\n", code.index("\n", end) + 1) + 1 :]

    def fragment(marker: re.Match[str]) -> str:
        try:
            return fragments[marker[0]]
        except KeyError:
            raise PromptError(f"The anchor {marker[0]} is not in the table.") from None

    whole = re.sub(rf"⟪M{number}:\d+:[^⟫\n]+⟫", fragment, skeleton)
    return whole, instruction[: instruction.rindex(_SUFFIX)]


def _string(value: str, marker: str) -> str:
    try:
        text = json.loads(value)
    except ValueError:
        text = None
    if not isinstance(text, str):
        raise PromptError(f"The anchor {marker} has no text.")
    return text
