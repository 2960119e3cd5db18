"""Self-delimiting edits in a reply: V4A patches, search/replace blocks and unified diffs.

Each reader takes the lines and the index where its edit starts, and gives the edits and the index
of the first line after them. Paths come back as the model spelled them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from applier.types import EditFormat
from reasoner.types import Action, Problem, ProposedEdit

V4A_BEGIN = re.compile(r"^\*\*\* Begin Patch\s*$")
_V4A_END = re.compile(r"^\*\*\* End Patch\s*$")
_V4A_FILE = re.compile(r"^\*\*\* (Update|Add|Delete) File: (.+?)\s*$")
_V4A_MOVE = re.compile(r"^\*\*\* Move to: (.+?)\s*$")

SEARCH = re.compile(r"^<{5,9} ?SEARCH\b.*$")
_DIVIDER = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\b.*$")

_DIFF_OLD = re.compile(r"^--- (?P<path>\S.*?)(?:\t.*)?$")
_DIFF_NEW = re.compile(r"^\+\+\+ (?P<path>\S.*?)(?:\t.*)?$")
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
        section_start = index
        index += 1
        while index < len(lines) and not (_V4A_FILE.match(lines[index]) or _V4A_END.match(lines[index])):
            index += 1
        body = list(lines[section_start + 1 : index])
        kind, path = head[1], head[2]
        if body and (move := _V4A_MOVE.match(body[0])):
            problems.append(
                Problem(
                    f"moving a file is not supported; edit {path} in place (not to {move[1]})", index, path
                )
            )
        elif kind == "Delete":
            edits.append(ProposedEdit(path, "", EditFormat.V4A, Action.DELETE, section_start + 1))
        elif kind == "Add":
            text = "".join(line.removeprefix("+") + "\n" for line in body)
            edits.append(ProposedEdit(path, text, EditFormat.WHOLE_FILE, Action.CREATE, section_start + 1))
        else:
            patch = "\n".join(["*** Begin Patch", lines[section_start], *body, "*** End Patch", ""])
            edits.append(ProposedEdit(path, patch, EditFormat.V4A, Action.UPDATE, section_start + 1))
    if index >= len(lines):
        problems.append(Problem("the patch has no '*** End Patch'", start + 1))
        edits = []  # a patch that was cut off must not be applied in part
    return Read(tuple(edits), tuple(problems), index + 1)


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
        edit = ProposedEdit(path, content, EditFormat.WHOLE_FILE, Action.CREATE, start + 1)
        return Read((edit,), (), end + 1)
    # The text between may itself hold lines of equals signs; which one divides is for the applier to decide.
    body = [*search, "=======", *replace] if not _divided_twice(replace) else lines[start + 1 : end]
    block = ["<<<<<<< SEARCH", *body, ">>>>>>> REPLACE", ""]
    edit = ProposedEdit(path, "\n".join(block), EditFormat.SEARCH_REPLACE, line=start + 1)
    return Read((edit,), (), end + 1)


def starts_diff(lines: Sequence[str], index: int) -> bool:
    """Whether a unified diff of a file starts here: its `---` line with a `+++` line below."""
    return (
        index + 1 < len(lines)
        and _DIFF_OLD.match(lines[index]) is not None
        and _DIFF_NEW.match(lines[index + 1]) is not None
    )


def read_diff(lines: Sequence[str], start: int) -> Read:
    """A unified diff of one file. `lines[start]` is its `---` line."""
    old, new = _DIFF_OLD.match(lines[start]), _DIFF_NEW.match(lines[start + 1])
    assert old is not None
    assert new is not None
    index = start + 2
    while index < len(lines) and not starts_diff(lines, index):
        line = lines[index]
        # An empty line is a context line whose one space was lost, as long as the hunk goes on.
        if not line.startswith(_DIFF_BODY) and (line or not _goes_on(lines, index)):
            break
        index += 1
    body = lines[start + 2 : index]
    old_path, new_path = old["path"].strip(), new["path"].strip()
    if new_path == "/dev/null":
        return Read(
            (ProposedEdit(old_path, "", EditFormat.UNIFIED_DIFF, Action.DELETE, start + 1),), (), index
        )
    if old_path == "/dev/null":
        text = "".join(line[1:] + "\n" for line in body if line.startswith("+"))
        return Read(
            (ProposedEdit(new_path, text, EditFormat.WHOLE_FILE, Action.CREATE, start + 1),), (), index
        )
    text = "\n".join([*lines[start:index], ""])
    return Read((ProposedEdit(new_path, text, EditFormat.UNIFIED_DIFF, line=start + 1),), (), index)


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
