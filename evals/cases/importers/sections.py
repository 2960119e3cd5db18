"""Split an edit that names several files into one edit a file."""

from __future__ import annotations

import re

_V4A_FILE = re.compile(r"^\*\*\* (Update|Add|Delete) File: (.+?)\s*$")
_HEAD = re.compile(r"^(<{5,9} SEARCH|-{5,9} SEARCH)\s*$")
_TAIL = re.compile(r"^(>{5,9} REPLACE|\+{5,9} REPLACE)\s*$")


def v4a_sections(patch: str) -> dict[str, str] | None:
    """Path to a patch of that file alone, for the updated files; None where the patch adds, deletes or moves
    files.

    An unreadable patch gives an empty dict.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in patch.split("\n"):
        header = _V4A_FILE.match(line)
        if header:
            if header[1] != "Update":
                return None
            current = sections.setdefault(header[2], [])
        elif line.startswith("*** Move to:"):
            return None
        elif line.startswith("*** End Patch"):
            break
        elif current is not None:
            current.append(line)
    return {
        path: "\n".join(["*** Begin Patch", f"*** Update File: {path}", *body, "*** End Patch", ""])
        for path, body in sections.items()
    }


def block_sections(reply: str) -> dict[str, str]:
    """Path to its SEARCH/REPLACE blocks. A block belongs to the file named on the nearest line of text above
    it.

    Fences and blank lines are passed over when looking for the name; a block with no name goes to the file
    before it.
    """
    sections: dict[str, list[str]] = {}
    name, last_text, block = "", "", None
    for line in reply.split("\n"):
        if block is None and _HEAD.match(line):
            name = last_text.strip().strip("`*#: ") or name
            last_text = ""
            block = [line]
        elif block is not None:
            block.append(line)
            if _TAIL.match(line):
                sections.setdefault(name, []).extend([*block, ""])
                block = None
        elif line.strip() and not line.lstrip().startswith("```"):
            last_text = line
    return {path: "\n".join(blocks) for path, blocks in sections.items()}
