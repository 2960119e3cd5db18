"""V4A patches, the format of OpenAI's apply_patch tool.

*** Begin Patch
*** Update File: path
@@ class Name
@@     def method
 context
-old
+new
*** End of File
*** End Patch
"""

from __future__ import annotations

import re

from .edits import EditParseError, Hunk, V4APatch, check_same_file

_SECTION = re.compile(r"^\*\*\* (Update|Add|Delete) File: ?(.*?)\s*$")
_MOVE = re.compile(r"^\*\*\* Move to: ")
_FORM = "Write *** Begin Patch, *** Update File: PATH, hunks under @@ lines, *** End Patch."


def looks_like(lines: list[str]) -> bool:
    """Whether a patch opens at the first line that is not blank."""
    for line in lines:
        if line.strip():
            return line.startswith("*** Begin Patch") or bool(_SECTION.match(line))
    return False


def parse(lines: list[str], path: str, *, first_line: int = 1, fence_stripped: bool = False) -> V4APatch:
    """Parse the one "Update File" or "Add File" section.

    Raises:
        EditParseError: no section, several, a section for another file, a deletion, or a line without a sign.
    """
    section: re.Match[str] | None = None
    hunks: list[Hunk] = []
    scopes: list[str] = []
    body: list[tuple[str, str]] = []
    start = 0
    at_end = False

    def close(end: int) -> None:
        nonlocal body, at_end, scopes
        if any(sign != " " for sign, _ in body):
            text = "\n".join(lines[start:end])
            hunks.append(Hunk(tuple(body), first_line + start, text, scopes=tuple(scopes), at_end=at_end))
        body, at_end, scopes = [], False, []

    for row, line in enumerate(lines):
        match = _SECTION.match(line)
        if match:
            if section:
                raise EditParseError(
                    first_line + row, "The patch has a second file.", "Send the patch of each file by itself."
                )
            if match[1] == "Delete":
                raise EditParseError(
                    first_line + row, "The patch deletes the file.", "Delete the file instead."
                )
            check_same_file(match[2], path, first_line + row)
            section, start = match, row + 1
        elif line.startswith(("*** Begin Patch", "*** End Patch")) or _MOVE.match(line):
            if line.startswith("*** End Patch"):
                close(row)
                break
        elif line.startswith("*** End of File"):
            at_end = True
            close(row + 1)
            start = row + 1
        elif section is None:
            if line.strip():
                raise EditParseError(
                    first_line + row, "This line stands before any *** Update File line.", _FORM
                )
        elif line.startswith("@@"):
            if body:
                close(row)
            if not scopes:
                start = row
            if line[2:].strip():
                scopes.append(line[2:].strip())
        elif line[:1] in (" ", "+", "-"):
            body.append((line[0], line[1:]))
        elif line == "":
            body.append((" ", ""))
        else:
            raise EditParseError(
                first_line + row, "This line starts with none of ' ', '-', '+' and '@@'.", _FORM
            )
    else:
        close(len(lines))
    if section is None or not hunks:
        raise EditParseError(None, "The patch changes nothing.", _FORM)
    return V4APatch(
        text="\n".join(lines),
        fence_stripped=fence_stripped,
        hunks=tuple(hunks),
        creates=section[1] == "Add",
    )
