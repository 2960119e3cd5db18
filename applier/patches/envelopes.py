"""Self-delimiting edits in a reply: V4A patches, search/replace blocks and unified diffs.

Each reader takes the lines and the index where its edit starts, and gives the edits and the index
of the first line after them. Paths come back as the model spelled them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from applier.patches.git_headers import GitHeader, diff_path, read_git_header
from applier.patches.types import Action, Problem, ProposedEdit
from applier.types import EditFormat

V4A_BEGIN = re.compile(r"^\*\*\* Begin Patch\s*$")
_V4A_END = re.compile(r"^\*\*\* End Patch\s*$")
_V4A_FILE = re.compile(r"^\*\*\* (Update|Add|Delete) File: (.+?)\s*$")
_V4A_MOVE = re.compile(r"^\*\*\* Move to: (.+?)\s*$")

SEARCH = re.compile(r"^<{5,9} ?SEARCH\b.*$")
_DIVIDER = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\b.*$")

_DIFF_OLD = re.compile(r"^--- (?P<path>\S.*?)(?:\t.*)?$")
_DIFF_NEW = re.compile(r"^\+\+\+ (?P<path>\S.*?)(?:\t.*)?$")
_HUNK = re.compile(r"^@@ -\d{1,9}(?:,(?P<old>\d{1,9}))? \+\d{1,9}(?:,(?P<new>\d{1,9}))? @@")
_DIFF_BODY = (" ", "+", "-", "@@", "\\")


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader found: edits and problems, and where reading goes on."""

    edits: tuple[ProposedEdit, ...]
    problems: tuple[Problem, ...]
    next: int


def read_v4a(lines: Sequence[str], start: int) -> Read:
    """A V4A patch of any number of files, one edit a file. `lines[start]` is `*** Begin Patch`."""
    edits: list[ProposedEdit] = []
    problems: list[Problem] = []
    index = start + 1
    while index < len(lines) and not _V4A_END.match(lines[index]):
        head = _V4A_FILE.match(lines[index])
        if head is None:
            if lines[index].strip() and not lines[index].startswith("```"):
                problems.append(
                    Problem("expected '*** Update File: PATH' before the first hunk of a patch", index + 1)
                )
                # one message for the stray part, not one a line
                while index < len(lines) and not (
                    _V4A_FILE.match(lines[index]) or _V4A_END.match(lines[index])
                ):
                    index += 1
            else:
                index += 1
            continue
        section = index
        index += 1
        while index < len(lines) and not (_V4A_FILE.match(lines[index]) or _V4A_END.match(lines[index])):
            index += 1
        edits.append(_v4a_section(lines, section, index, head[1], head[2]))
    if index >= len(lines):
        problems.append(Problem("the patch has no '*** End Patch'", start + 1))
        edits = []  # a patch that was cut off must not be applied in part
    return Read(tuple(edits), tuple(problems), index + 1)


def _v4a_section(lines: Sequence[str], start: int, end: int, kind: str, path: str) -> ProposedEdit:
    """One file of a V4A patch, as a patch of its own."""
    rows = list(range(start + 1, end))
    move = _V4A_MOVE.match(lines[rows[0]]) if rows and kind == "Update" else None
    if move:
        rows = rows[1:]
    moved_to = move[1] if move else None
    if kind == "Delete":
        return ProposedEdit(path, "", EditFormat.V4A, Action.DELETE, start + 1)
    action = Action.CREATE if kind == "Add" else Action.UPDATE
    if not any(lines[row].strip() for row in rows):
        return ProposedEdit(path, "", EditFormat.V4A, action, start + 1, moved_to)
    text = "\n".join(["*** Begin Patch", lines[start], *(lines[row] for row in rows), "*** End Patch", ""])
    numbers = tuple(row + 1 for row in (start, start, *rows, end))
    return ProposedEdit(path, text, EditFormat.V4A, action, start + 1, moved_to, numbers)


def read_search_replace(lines: Sequence[str], start: int, path: str | None) -> Read:
    """One search/replace block for `path`. `lines[start]` is the SEARCH marker."""
    divider = _find(lines, start + 1, _DIVIDER, stop=_REPLACE)
    end = _find(lines, divider + 1, _REPLACE, stop=SEARCH) if divider is not None else None
    if divider is None or end is None:
        missing = "'======='" if divider is None else "'>>>>>>> REPLACE'"
        return Read(
            (), (Problem(f"the search/replace block has no {missing} line", start + 1, path),), start + 1
        )
    if path is None:
        return Read(
            (), (Problem("write the file's path on its own line above the block", start + 1),), end + 1
        )
    search, replace = lines[start + 1 : divider], lines[divider + 1 : end]
    if not any(line.strip() for line in search):
        content = "".join(line + "\n" for line in replace)
        rows = tuple(range(divider + 2, end + 1))
        edit = ProposedEdit(path, content, EditFormat.WHOLE_FILE, Action.CREATE, start + 1, rows=rows)
        return Read((edit,), (), end + 1)
    # The text between may itself hold lines of equals signs; which one divides is for the applier to decide.
    body = [*search, "=======", *replace] if not _divided_twice(replace) else lines[start + 1 : end]
    block = ["<<<<<<< SEARCH", *body, ">>>>>>> REPLACE", ""]
    rows = tuple(range(start + 1, end + 2))
    edit = ProposedEdit(path, "\n".join(block), EditFormat.SEARCH_REPLACE, line=start + 1, rows=rows)
    return Read((edit,), (), end + 1)


def starts_diff(lines: Sequence[str], index: int, within: bool = False) -> bool:
    """Whether a unified diff of a file starts here: its `---` line with a `+++` line below.

    `within` a hunk, where both may be lines of the file, a hunk has to follow.
    """
    return (
        index + 1 < len(lines)
        and _DIFF_OLD.match(lines[index]) is not None
        and _DIFF_NEW.match(lines[index + 1]) is not None
        and (not within or (index + 2 < len(lines) and lines[index + 2].startswith("@@")))
    )


def starts_git_diff(lines: Sequence[str], index: int) -> bool:
    """Whether git's headers of one file start here."""
    return lines[index].startswith("diff --git ")


def read_git_diff(lines: Sequence[str], start: int) -> Read:
    """One file of a diff that git wrote, with what its headers say. `lines[start]` is `diff --git`."""
    header, index = read_git_header(lines, start)
    if starts_diff(lines, index):
        return read_diff(lines, index, header)
    if problem := header.problem:
        return Read((), (Problem(problem, start + 1, header.new or header.old),), index)
    if header.deleted:
        edit = ProposedEdit(header.old, "", EditFormat.UNIFIED_DIFF, Action.DELETE, start + 1)
    elif header.created:
        edit = ProposedEdit(header.new, "", EditFormat.UNIFIED_DIFF, Action.CREATE, start + 1)
    elif header.renamed:
        edit = ProposedEdit(header.old, "", EditFormat.UNIFIED_DIFF, line=start + 1, moved_to=header.new)
    else:
        return Read((), (Problem("this part of the diff has no hunk", start + 1, header.new),), index)
    return Read((edit,), (), index)


def read_diff(lines: Sequence[str], start: int, header: GitHeader | None = None) -> Read:
    """A unified diff of one file. `lines[start]` is its `---` line; `header` is what stood above it."""
    old, new = _DIFF_OLD.match(lines[start]), _DIFF_NEW.match(lines[start + 1])
    assert old is not None
    assert new is not None
    index = _diff_end(lines, start + 2)
    old_path, new_path = diff_path(old["path"]), diff_path(new["path"])
    if header is not None and header.problem:
        return Read((), (Problem(header.problem, start + 1, new_path),), index)
    path, action, moved_to = new_path, Action.UPDATE, None
    if old_path == "/dev/null":
        action = Action.CREATE
        path = new_path if header is None else header.new
    elif new_path == "/dev/null":
        path, action = old_path, Action.DELETE
    elif header is not None and header.renamed:
        path, moved_to = header.old, header.new
    other = action is not Action.CREATE and path != new_path
    quoted = '"' in lines[start] + lines[start + 1]
    first = start + 2 if other or quoted else start  # the hunks alone where the names above would mislead
    text = "\n".join([*lines[first:index], ""])
    rows = tuple(range(first + 1, index + 1))
    edit = ProposedEdit(path, text, EditFormat.UNIFIED_DIFF, action, start + 1, moved_to, rows)
    return Read((edit,), (), index)


def _diff_end(lines: Sequence[str], index: int) -> int:
    """The first line after the hunks that start at `index`."""
    left: list[int] | None = None  # lines of the old and the new side that the hunk's header still promises
    while index < len(lines) and not starts_diff(lines, index, within=left is not None):
        line = lines[index]
        # An empty line is a context line whose one space was lost, as long as the hunk goes on.
        if not line.startswith(_DIFF_BODY) and (line.strip() or not _goes_on(lines, index)):
            break
        if hunk := _HUNK.match(line):
            left = [int(hunk["old"] or 1), int(hunk["new"] or 1)]
        elif left == [0, 0] and line.rstrip() == "--":
            break  # the line above the signature of a mail
        elif left is not None:
            left = [left[0] - (line[:1] not in "+\\"), left[1] - (line[:1] not in "-\\")]
        index += 1
    return index


def _divided_twice(replace: Sequence[str]) -> bool:
    return any(_DIVIDER.match(line) for line in replace)


def _goes_on(lines: Sequence[str], index: int) -> bool:
    following = next((line for line in lines[index + 1 :] if line), "")
    return following.startswith(_DIFF_BODY) and not following.startswith("---")


def _find(lines: Sequence[str], start: int, wanted: re.Pattern[str], stop: re.Pattern[str]) -> int | None:
    for index in range(start, len(lines)):
        if wanted.match(lines[index]):
            return index
        if stop.match(lines[index]):
            return None
    return None
