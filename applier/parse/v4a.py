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

from .chat.prose import is_prose
from .edits import EditParseError, Hunk, V4APatch, check_same_file, same_file

_SECTION = re.compile(r"^\*\*\* (Update|Add|Delete) File: ?(.*?)\s*$", re.IGNORECASE)
_BEGIN = re.compile(r"^\*\*\* Begin Patch\s*$", re.IGNORECASE)
_END = re.compile(r"^\*\*\* End Patch\s*$", re.IGNORECASE)
_MOVE = re.compile(r"^\*\*\* Move to: ", re.IGNORECASE)
_END_OF_FILE = re.compile(r"^\*\*\* End of File", re.IGNORECASE)
_FORM = "Write *** Begin Patch, *** Update File: PATH, hunks under @@ lines, *** End Patch."


def is_header(line: str) -> bool:
    """Whether a line opens or closes a patch, a section or a hunk."""
    text = line.strip()
    signs = (_SECTION, _BEGIN, _END, _MOVE, _END_OF_FILE)
    return text.startswith("@@") or (text.startswith("***") and any(sign.match(text) for sign in signs))


def begins(line: str) -> bool:
    """Whether a line opens a patch or one of its sections."""
    return line.lstrip().startswith("***") and bool(
        _BEGIN.match(line.strip()) or _SECTION.match(line.strip())
    )


def looks_like(lines: list[str]) -> bool:
    """Whether a patch opens at the first line that is not blank, or below prose, with a section after it."""
    first = next((line.strip() for line in lines if line.strip()), "")
    if _BEGIN.match(first) or _SECTION.match(first):
        return True
    row = next((row for row, line in enumerate(lines) if _BEGIN.match(line.strip())), None)
    if row is None or not all(is_prose(line) or is_header(line) for line in lines[:row]):
        return False
    below = next((line.strip() for line in lines[row + 1 :] if line.strip()), "")
    return bool(_SECTION.match(below))


def parse(lines: list[str], path: str, *, first_line: int = 1, fence_stripped: bool = False) -> V4APatch:
    """Parse the "Update File" or "Add File" sections of one file, in one patch or several.

    Raises:
        EditParseError: no section, one for another file, a deletion, a line without a sign, or code outside
        of
            the patches.
    """
    section: re.Match[str] | None = None
    hunks: list[Hunk] = []
    scopes: list[str] = []
    body: list[tuple[str, str]] = []
    start = 0
    at_end = False
    begun = closed = creates = False
    pad = 0

    def close(end: int) -> None:
        nonlocal body, at_end, scopes
        if any(sign != " " for sign, _ in body):
            text = "\n".join(lines[start:end])
            hunks.append(Hunk(tuple(body), first_line + start, text, scopes=tuple(scopes), at_end=at_end))
        body, at_end, scopes = [], False, []

    for row, sent in enumerate(lines):
        line = sent[pad:] if pad and sent[:pad].isspace() else sent
        bare = sent.strip()
        if not begun and not (_BEGIN.match(bare) or _SECTION.match(bare)):
            continue  # prose above the patch
        if not begun or closed:
            if _BEGIN.match(bare):
                begun, closed, section, start = True, False, None, row + 1
                continue
            if closed:
                if _SECTION.match(bare) or (not is_prose(sent) and _END.match(bare) is None):
                    raise EditParseError(
                        first_line + row, "This line stands behind *** End Patch.", "Send one patch."
                    )
                continue
        begun = True
        match = _SECTION.match(bare) if sent[:1] not in ("+", "-") else None
        if match:
            pad = len(sent) - len(sent.lstrip(" "))
            if match[1].lower() == "delete":
                raise EditParseError(
                    first_line + row, "The patch deletes the file.", "Delete the file instead."
                )
            if hunks and not same_file(match[2], path or (section[2] if section else match[2])):
                raise EditParseError(
                    first_line + row, "The patch has a second file.", "Send the patch of each file by itself."
                )
            check_same_file(match[2], path, first_line + row)
            close(row)
            creates = creates or match[1].lower() == "add"
            section, start = match, row + 1
        elif _END.match(bare) and sent[:1] not in ("+", "-"):
            close(row)
            closed = True
        elif _BEGIN.match(line) or _MOVE.match(line):
            pass
        elif _END_OF_FILE.match(line):
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
    if not closed:
        close(len(lines))
    if not begun:
        row = next((row for row, line in enumerate(lines) if line.strip()), 0)
        raise EditParseError(first_line + row, "This line stands before any *** Update File line.", _FORM)
    if not hunks:
        raise EditParseError(None, "The patch changes nothing.", _FORM)
    return V4APatch(text="\n".join(lines), fence_stripped=fence_stripped, hunks=tuple(hunks), creates=creates)
