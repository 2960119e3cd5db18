"""The lines that git writes above the hunks of a file: renames, modes, new and deleted files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_EXTENDED = re.compile(
    r"^(?P<what>old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to"
    r"|rename old|rename new|similarity index|dissimilarity index|index) (?P<said>.*?)\s*$"
)
_BOTH = re.compile(r"^diff --git (?P<old>\"(?:[^\"\\]|\\.)*\"|\S.*?) (?P<new>\"(?:[^\"\\]|\\.)*\"|\S.*?)\s*$")
_BINARY = ("GIT binary patch", "Binary files ")
_PLAIN_MODES = frozenset({"100644"})
_ESCAPE = re.compile(rb"\\([0-7]{3}|[abfnrtv\"\\])")
_LETTERS = dict(zip(b'abfnrtv"\\', b'\a\b\f\n\r\t\v"\\', strict=True))


@dataclass(frozen=True, slots=True)
class GitHeader:
    """What the headers of one file say. `problem` is what cannot be done by files in and files out."""

    old: str
    new: str
    created: bool = False
    deleted: bool = False
    renamed: bool = False
    problem: str | None = None


def read_git_header(lines: Sequence[str], start: int) -> tuple[GitHeader, int]:
    """The headers, and the index of the first line after them. `lines[start]` is `diff --git`."""
    said: dict[str, str] = {}
    index = start + 1
    binary = False
    while index < len(lines):
        if match := _EXTENDED.match(lines[index]):
            said[match["what"]] = match["said"]
        elif lines[index].startswith(_BINARY):
            binary = True
        else:
            break
        index += 1
    old, new = git_paths(lines[start])
    problem = None
    if binary:
        problem = "this part of the diff is binary; write that file by other means"
    elif "copy to" in said:
        problem = f"copying a file is not supported; add {said['copy to']} with its content"
    elif "new mode" in said or said.get("new file mode", "100644") not in _PLAIN_MODES:
        mode = said.get("new mode") or said["new file mode"]
        problem = f"the mode {mode} cannot be set here; leave it out and use chmod or ln"
    return (
        GitHeader(
            unquoted(said["rename from"]) if "rename from" in said else old,
            unquoted(said["rename to"]) if "rename to" in said else new,
            "new file mode" in said,
            "deleted file mode" in said,
            "rename to" in said,
            problem,
        ),
        index,
    )


def git_paths(line: str) -> tuple[str, str]:
    """The two paths of the first line, which has no sign between them: where they are equal, both halves."""
    rest = line.removeprefix("diff --git ").strip()
    half = len(rest) // 2
    if rest[:2] == "a/" and rest[2:half] == rest[half + 3 :] and rest[half : half + 3] == " b/":
        return rest[2:half], rest[2:half]
    both = _BOTH.match(line)
    if both is None:
        return rest, rest
    return diff_path(both["old"]).removeprefix("a/"), diff_path(both["new"]).removeprefix("b/")


def diff_path(written: str) -> str:
    """The path of a `---` or `+++` line."""
    return unquoted(written.strip())


def unquoted(path: str) -> str:
    """A path that git put into quotes, for its control characters, quotes, or letters beyond ASCII."""
    if len(path) < 2 or path[0] != '"' or path[-1] != '"':
        return path
    raw = _ESCAPE.sub(
        lambda match: bytes([int(match[1], 8) & 255 if len(match[1]) == 3 else _LETTERS[match[1][0]]]),
        path[1:-1].encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "surrogateescape")
